/** The checks of the schemas, made when the bundle is. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import type { Plugin } from 'rolldown';

const home = join(import.meta.dirname, '../..');
export const validatorsModule = join(home, 'generators/schema/validators.ts');

/** The schemas that are shipped, as functions: checking a value needs no compiler of schemas then, which is large. */
export const validators: Plugin = {
  name: 'validators',
  load(id) {
    if (id !== validatorsModule) return null;
    const schemas = globSync(['runtime/*.schema.json', 'templates/*.schema.json', 'generators/report/*.schema.json'], {
      cwd: home,
    });
    const ajv = new Ajv({ strict: false, allErrors: true, inlineRefs: false, code: { source: true } });
    // Descriptions are for people: they check nothing.
    const told = (key: string, value: unknown) =>
      key === 'description' && typeof value === 'string' ? undefined : value;
    for (const path of schemas) ajv.addSchema(JSON.parse(readFileSync(join(home, path), 'utf8'), told), path);
    const names = Object.fromEntries(schemas.map((path, index) => [`check${index}`, path]));
    const table = Object.entries(names).map(([name, path]) => `${JSON.stringify(path)}: exports.${name}`);
    return {
      code: `${standaloneCode.default(ajv, names)};\nexports.validatorOf = (schema) => ({ ${table.join(', ')} })[schema];`,
      moduleType: 'js',
    };
  },
};
