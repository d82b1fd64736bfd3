/** Only this file uses js-yaml. */

import { FAILSAFE_SCHEMA, loadAll } from 'js-yaml';

/**
 * The first document of a text; everything in it except lists and maps is a string. Throws an Error if the text is not
 * YAML.
 */
export const parseYaml = (text: string): unknown => loadAll(text, { schema: FAILSAFE_SCHEMA })[0];

/** The line, from 1, that an error of parseYaml is about. */
export const lineOfFault = (error: unknown): number => ((error as { mark?: { line?: number } }).mark?.line ?? 0) + 1;
