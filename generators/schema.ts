/** JSON Schemas that are shipped, and the one owner of what checks a value against one. */

import { read } from './package.ts';

/**
 * Why a value is not as a schema has it; undefined where it is.
 *
 * schema - the path of its file in this package.
 * name   - what the value is called in the reason.
 */
export async function whyNotAs(schema: string, value: unknown, name: string): Promise<string | undefined> {
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({ strict: false });
  const isValid = ajv.validate(JSON.parse(read(schema).toString('utf8')) as object, value);
  return isValid ? undefined : ajv.errorsText(ajv.errors, { dataVar: name });
}
