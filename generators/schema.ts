/** JSON Schemas that are shipped, and how a value is held against one. */

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
  return (isValid.errors ?? []).map(({ instancePath, message }) => `${name}${instancePath} ${message}`).join(', ');
}
