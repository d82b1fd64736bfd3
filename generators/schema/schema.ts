/** Checks values against the JSON Schemas of this package. */

import type { ErrorObject } from 'ajv';

/** How many faults fit into a message of one line. */
const MOST_TOLD = 5;

/**
 * Why a value does not match a schema; undefined if it does.
 *
 * schema - the path of its file in this package.
 * name - what to call the value in the reason.
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

/** A fault in a value, and the place of the fault. */
export interface SchemaFault {
  readonly at: readonly (string | number)[];
  readonly message: string;
}

/** All faults of a value; none if it matches the schema. */
export async function faultsAs(schema: string, value: unknown): Promise<SchemaFault[]> {
  const { validatorOf } = await import('./validators.ts');
  const isValid = validatorOf(schema);
  if (isValid(value)) return [];
  // anyOf reports each alternative that failed, and then that none matched: the last one is enough.
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
