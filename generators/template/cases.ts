/** The sets of answers that a template is tested with: each file in its folder tests/ is one. */

import { parseSafely } from '../json/parse.ts';
import { contractText, hooksOf } from '../project/hooks.ts';
import { whyNotGiven } from '../rendering/answers.ts';
import type { SourceFile } from '../sources/gathering.ts';
import type { TemplateManifest } from '../sources/templates.ts';

export interface Case {
  /** The name of its file, without the ending. */
  readonly name: string;
  readonly answers: { readonly [prompt: string]: unknown };
  /** undefined to use the template's own hooks. */
  readonly hooks: readonly string[] | undefined;
}

interface BadCase {
  readonly file: string;
  readonly reason: string;
}

/**
 * Reads all sets of answers. A template without any is tested with its defaults.
 *
 * files - all files of the template, including the manifest.
 */
export function casesOf(
  files: readonly SourceFile[],
  manifest: TemplateManifest,
): { readonly cases: readonly Case[]; readonly bad: readonly BadCase[] } {
  const cases: Case[] = [];
  const bad: BadCase[] = [];
  for (const { path, bytes } of files) {
    const name = /^tests\/([^/]+)\.json$/.exec(path)?.[1];
    if (name === undefined) continue;
    const read = caseOf(name, bytes, manifest);
    if (typeof read === 'string') bad.push({ file: path, reason: read });
    else cases.push(read);
  }
  const usual: Case = { name: 'defaults', answers: {}, hooks: undefined };
  return { cases: cases.length + bad.length === 0 ? [usual] : cases, bad };
}

/** Returns the case, or what is wrong with it. */
function caseOf(name: string, bytes: Buffer, { prompts = [] }: TemplateManifest): Case | string {
  let parsed: unknown;
  try {
    parsed = parseSafely(bytes);
  } catch (error) {
    return `it is not JSON: ${(error as Error).message}`;
  }
  if (!isObject(parsed)) return 'it is no object';
  const { answers = {}, hooks, ...rest } = parsed;
  const [strange] = Object.keys(rest);
  if (strange !== undefined) return `it has an unknown key ${JSON.stringify(strange)}`;
  if (!isObject(answers)) return 'its answers are no object';
  for (const [asked, value] of Object.entries(answers)) {
    const prompt = prompts.find((each) => each.name === asked);
    const reason = prompt === undefined ? 'there is no such prompt' : whyNotGiven(prompt, value);
    if (reason !== undefined) return `the answer to ${asked}: ${reason}`;
  }
  if (hooks === undefined) return { name, answers, hooks: undefined };
  const known = hooksOf(contractText()).map((hook) => hook.name);
  if (!Array.isArray(hooks) || !hooks.every((hook) => known.includes(hook)))
    return `its hooks are a list of: ${known.join(', ')}`;
  return { name, answers, hooks };
}

const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
