/** JSON Schemas that are shipped, and how a value is held against one. */

import type { ErrorObject } from 'ajv';

/** Of more faults than these a message of one line does not tell. */
const MOST_TOLD = 5;

/**
 * Why a value is not as a schema has it; undefined where it is.
 *
 * schema - the path of its file in this package.
 * name   - what the value is called in the reason.
 */
export async function whyNotAs(schema: string, value: unknown, name: string): Promise<string | undefined> {
  const { validatorOf } = await import('./validators.ts');
  const isValid = validatorOf(schema);
  if (isValid(value)) return undefined;
  return (isValid.errors ?? [])
    .slice(0, MOST_TOLD)
    .map(({ instancePath, message }) => `${name}${instancePath} ${message}`)
    .join(', ');
}

/** A fault of a value, at its place in it. */
export interface SchemaFault {
  readonly at: readonly (string | number)[];
  readonly message: string;
}

/** All faults of a value; none where it is as a schema has it. */
export async function faultsAs(schema: string, value: unknown): Promise<SchemaFault[]> {
  const { validatorOf } = await import('./validators.ts');
  const isValid = validatorOf(schema);
  if (isValid(value)) return [];
  // What is told of each way that something could be would be more than that it is none of them.
  const told = (isValid.errors ?? []).filter(
    ({ keyword, schemaPath }) => keyword !== 'propertyNames' && !schemaPath.includes('/anyOf/'),
  );
  return told.map((error) => ({ at: placeOf(error.instancePath), message: inWords(error) }));
}

const placeOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));

function inWords({ keyword, instancePath, message = '', params, propertyName }: ErrorObject): string {
  const at = placeOf(instancePath).reduce<string>(
    (path, part) => (typeof part === 'number' ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`),
    '',
  );
  const where = at === '' ? 'the manifest' : at;
  if (keyword === 'additionalProperties')
    return `${where} has an unknown key ${JSON.stringify(params['additionalProperty'])}`;
  if (keyword === 'required') return `${where} has no ${params['missingProperty']}`;
  if (keyword === 'enum') return `${where} must be one of: ${(params['allowedValues'] as unknown[]).join(', ')}`;
  if (keyword === 'const') return `${where} must be ${JSON.stringify(params['allowedValue'])}`;
  if (keyword === 'anyOf') return `${where} is of a kind that it cannot be`;
  return propertyName === undefined
    ? `${where} ${message}`
    : `${where}: the key ${JSON.stringify(propertyName)} ${message}`;
}
