// A program: remembers many things, one of them the same as every other such program does.
import { remember, type Trusted } from '../../../generators/sources/trust.ts';

const [folder = '', name = '', count = '0'] = process.argv.slice(2);
const common: Trusted = {
  source: 'github:acme/templates',
  resolved: 'a'.repeat(40),
  template: 'backfill',
  permissions: { write: ['.github/workflows'], run: ['npm install'], code: true },
};
for (let index = 0; index < Number(count); index++) {
  for (const source of [`${name}${index}`, common.source]) {
    const reason = remember(folder, { ...common, source });
    if (reason !== undefined) throw new Error(reason);
  }
}
