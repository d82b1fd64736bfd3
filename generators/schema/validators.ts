/**
 * Schemas made into functions, by the one owner of what does that. What is published has these functions made already, in
 * place of this file (rolldown.config.ts): it needs no compiler of schemas then.
 */

import { Ajv, type ValidateFunction } from 'ajv';
import { parseJson } from '../json/parse.ts';
import { read } from '../package.ts';

/** Returns what checks a value against a schema; the schema's path is relative to the package. */
export const validatorOf = (schema: string): ValidateFunction =>
  new Ajv({ strict: false, allErrors: true }).compile(parseJson(read(schema)) as object);
