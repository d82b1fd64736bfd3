import Early, { children } from './early.ts';

const there = children();
const way = process.argv[2];
if (way === 'environment at load' && !process.env['DIVVY_WORKER']) process.env['FROM_DISPATCH'] = 'at load';

/** Looks at who is there while its file is loaded. */
export default class EarlyAtLoad extends Early {
  override dispatch(): AsyncGenerator<number[]> {
    console.log(JSON.stringify(there));
    return super.dispatch();
  }
}
