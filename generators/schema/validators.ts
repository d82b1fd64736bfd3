/**
 * Compiles schemas into functions. The published package replaces this file with ready-made functions
 * (release/bundle/validators.ts), so it needs no schema compiler.
 */

import { Ajv, type ValidateFunction } from 'ajv';
import { parseJson } from '../json/parse.ts';
import { read } from '../package.ts';

/** Returns a function that checks a value against a schema; the schema's path is relative to the package. */
export const validatorOf = (schema: string): ValidateFunction =>
  new Ajv({ strict: false, allErrors: true }).compile(parseJson(read(schema)) as object);
