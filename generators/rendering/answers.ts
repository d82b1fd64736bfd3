/**
 * The answers to a template's prompts: from --data and --data-file, otherwise by asking on a terminal, otherwise the
 * defaults.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { parseSafely } from '../json/parse.ts';
import { whyNotName } from '../project/names.ts';
import type { Prompt, TemplateManifest } from '../sources/templates.ts';
import type { Call } from '../terminal/command.ts';
import { badAnswer, badData, badDataFile, missingAnswer, unknownAnswer } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { isInteractive } from '../terminal/terminal.ts';
import type { Answer } from './placeholders.ts';

const LONGEST = 1000;
/** How long a template's pattern may run, in milliseconds: its author may have made one that runs for ever. */
const PATTERN_TIMEOUT = 200;

export interface Answers {
  readonly answers: readonly Answer[];
  /** The same without secrets, for the lock and for messages. */
  readonly shown: { readonly [name: string]: string };
}

/**
 * Settles every answer.
 *
 * known - the answers given before, as the lock has them.
 * clashing - why the answers do not fit together in the template; undefined if they do.
 *
 * Rejects with a Refusal with exit code 2 for an answer that the template does not ask for, that is missing, or that
 * its prompt does not accept.
 */
export async function settleAnswers(
  call: Call,
  template: TemplateManifest,
  known: { readonly [name: string]: unknown },
  ask: Workshop['ask'],
  clashing: (answers: readonly Answer[]) => string | undefined,
): Promise<Answers> {
  const { prompts = [] } = template;
  const given = answersGiven(call, template);
  const settled = new Map<string, { prompt: Prompt; value: string }>();
  for (const prompt of prompts) {
    if (!isAsked(prompt, settled)) continue;
    const value =
      given.get(prompt.name) ?? (Object.hasOwn(known, prompt.name) ? String(known[prompt.name]) : undefined);
    const before = [...settled.values()].map(asAnswer);
    const whyNot: WhyNot = (text) =>
      whyNotAnswer(prompt, text) ?? clashing([...before, asAnswer({ prompt, value: text })]);
    settled.set(prompt.name, {
      prompt,
      value: value === undefined ? await settleOne(call, prompt, ask, whyNot) : checked(prompt, value, whyNot),
    });
  }
  const unasked = [...given.keys()].find((name) => !settled.has(name));
  if (unasked !== undefined) throw badAnswer(unasked, '…', 'it is not asked for with these other answers');
  const all = [...settled.values()];
  return {
    answers: all.map(asAnswer),
    shown: Object.fromEntries(
      all.filter(({ prompt }) => prompt.secret !== true).map(({ prompt, value }) => [prompt.name, value]),
    ),
  };
}

/** Why a text cannot be the answer; undefined if it can. */
type WhyNot = (text: string) => string | undefined;

const asAnswer = ({ prompt, value }: { readonly prompt: Prompt; readonly value: string }): Answer => ({
  name: prompt.name,
  value,
  isName: prompt.type === 'name',
});

const isAsked = ({ when = {} }: Prompt, settled: ReadonlyMap<string, { readonly value: string }>): boolean =>
  Object.entries(when).every(([name, value]) => settled.get(name)?.value === asText(value));

/** `true` means the same as `yes`. */
const asText = (value: unknown): string => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value));

async function settleOne(call: Call, prompt: Prompt, ask: Workshop['ask'], whyNotText: WhyNot): Promise<string> {
  const { name, message, type, choices = [], secret } = prompt;
  const usual = prompt.default === undefined ? undefined : asText(prompt.default);
  if (!isInteractive(call)) {
    if (usual === undefined) throw missingAnswer(`the answer to ${name} (${message})`, `--data ${name}=…`, false);
    return checked(prompt, usual, whyNotText);
  }
  if (type === 'choice' || type === 'yes-no') {
    const all = type === 'choice' ? choices : ['yes', 'no'];
    const first = usual !== undefined && all.includes(usual) ? [usual] : [];
    const options = [...new Set([...first, ...all])].map((value) => ({ value, hint: '' }));
    return ask({ type: 'select', message, choices: options });
  }
  // An empty answer means the default, for a secret too.
  const given = (answer: string) => (answer === '' ? (usual ?? '') : answer);
  const whyNot = (answer: string) => whyNotText(given(answer));
  return secret
    ? given(await ask({ type: 'password', message, whyNot }))
    : ask({ type: 'input', message, default: usual ?? '', whyNot });
}

function checked(prompt: Prompt, value: string, whyNot: WhyNot): string {
  const text = prompt.type === 'yes-no' && /^(true|false)$/.test(value) ? asText(value === 'true') : value;
  const reason = whyNot(text);
  if (reason !== undefined) throw badAnswer(prompt.name, prompt.secret ? '…' : text, reason);
  return text;
}

/** Why a value from a manifest or a file cannot answer a prompt; undefined if it can. */
export const whyNotGiven = (prompt: Prompt, value: unknown): string | undefined =>
  whyNotAnswer(prompt, prompt.type === 'yes-no' && /^(true|false)$/.test(String(value)) ? 'yes' : asText(value));

function whyNotAnswer({ type, pattern, choices = [] }: Prompt, value: string): string | undefined {
  if (value.length > LONGEST) return `it is longer than ${LONGEST} characters`;
  if (/[\p{C}\u2028\u2029]/u.test(value)) return 'it has characters that cannot be seen, or more than one line';
  if (type === 'choice' && !choices.includes(value)) return `it is one of: ${choices.join(', ')}`;
  if (type === 'yes-no' && !/^(yes|no)$/.test(value)) return 'it is yes or no';
  if (type === 'number' && !/^-?\d{1,15}(\.\d{1,15})?$/.test(value)) return 'it is a number, such as 500 or 0.5';
  if (type === 'name') return whyNotName(value);
  return pattern === undefined ? undefined : whyNotMatching(pattern, value);
}

/** A stranger wrote the pattern: stop it if it takes too long. node:vm is loaded only for a pattern. */
function whyNotMatching(pattern: string, value: string): string | undefined {
  try {
    const code = 'new RegExp("^(?:" + pattern + ")$", "u").test(value)';
    const matches = process
      .getBuiltinModule('node:vm')
      .runInNewContext(code, Object.assign(Object.create(null), { pattern, value }), {
        timeout: PATTERN_TIMEOUT,
      });
    return matches === true ? undefined : harmless(`it does not match ${pattern}`);
  } catch (error) {
    return harmless(`its pattern ${pattern} cannot be used: ${(error as Error).message}`);
  }
}

/** The answers on the command line: --data overrides --data-file. */
function answersGiven(call: Call, { name: template, prompts = [] }: TemplateManifest): Map<string, string> {
  const names = prompts.map(({ name }) => name);
  const given = new Map<string, string>();
  const file = call.values['data-file'];
  for (const [key, value] of file === undefined ? [] : Object.entries(readDataFile(resolve(call.cwd, file), file))) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw badDataFile(file ?? '', `${JSON.stringify(key)} is neither a text nor a number, true or false`);
    }
    given.set(key, asText(value));
  }
  for (const pair of call.values.data ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw badData(pair);
    given.set(pair.slice(0, at), pair.slice(at + 1));
  }
  for (const key of given.keys()) if (!names.includes(key)) throw unknownAnswer(key, template, names);
  return given;
}

function readDataFile(path: string, shown: string): object {
  let parsed: unknown;
  try {
    parsed = parseSafely(readFileSync(path));
  } catch (error) {
    throw badDataFile(shown, (error as Error).message);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badDataFile(shown, 'it is no object');
  return parsed;
}
