/** Checks a manifest: against its schema, and for what its parts mean. */

import { whyUnsafe } from '../disk/paths.ts';
import { parseSafely } from '../json/parse.ts';
import { type JsonText, lineAt, readJson } from '../json/text.ts';
import { contractText, hooksOf } from '../project/hooks.ts';
import { whyNotGiven } from '../rendering/answers.ts';

import { packageJsonOf } from '../rendering/places.ts';
import { faultsAs } from '../schema/schema.ts';
import { MANIFEST_OF_TEMPLATE } from '../sources/parts.ts';
import type { Prompt, TemplateManifest } from '../sources/templates.ts';
import { Refusal } from '../terminal/refusal.ts';
import { isRange } from '../versions.ts';
import { type Finding, fault } from './finding.ts';

/** A checked manifest, with the line of each of its parts. */
export interface CheckedManifest {
  readonly findings: readonly Finding[];
  /** undefined if it does not match the schema. */
  readonly manifest: TemplateManifest | undefined;
  readonly lineOf: (at: Place) => number;
}

/** Keys and indices, outermost first. */
type Place = readonly (string | number)[];
interface Placed {
  readonly at: Place;
  readonly message: string;
}

export async function checkManifest(bytes: Buffer): Promise<CheckedManifest> {
  const text = bytes.toString('utf8');
  const json = readJson(text, 'json');
  if ('reason' in json) return unreadable(json.line, json.reason);
  let value: unknown;
  try {
    value = parseSafely(bytes);
  } catch (error) {
    return unreadable(1, (error as Error).message);
  }
  const wrong = await faultsAs('templates/divvy.template.schema.json', value);
  if (wrong.length > 0) return told(json, wrong, undefined);
  const manifest = value as TemplateManifest;
  return told(json, await meaningOf(manifest), manifest);
}

const unreadable = (line: number, reason: string): CheckedManifest => ({
  findings: [fault(MANIFEST_OF_TEMPLATE, line, reason)],
  manifest: undefined,
  lineOf: () => 1,
});

function told(json: JsonText, placed: readonly Placed[], manifest: TemplateManifest | undefined): CheckedManifest {
  const lineOf = (at: Place) => lineAt(json, at);
  return {
    findings: placed.map(({ at, message }) => fault(MANIFEST_OF_TEMPLATE, lineOf(at), message)),
    manifest,
    lineOf,
  };
}

async function meaningOf(manifest: TemplateManifest): Promise<Placed[]> {
  const { prompts = [], requires = {}, hooks = [] } = manifest;
  const known = hooksOf(contractText()).map(({ name }) => name);
  const ranges = await Promise.all(
    Object.entries(requires).map(async ([what, range]) =>
      isRange(range) ? [] : [{ at: ['requires', what], message: `${JSON.stringify(range)} is no range of versions` }],
    ),
  );
  return [
    ...ranges.flat(),
    ...prompts.flatMap((prompt, index) => meaningOfPrompt(prompt, prompts.slice(0, index), ['prompts', index])),
    ...hooks.flatMap((hook, index) =>
      known.includes(hook)
        ? []
        : [{ at: ['hooks', index], message: `there is no hook ${hook}; there are: ${known.join(', ')}` }],
    ),
    ...permitted(manifest),
  ];
}

function meaningOfPrompt(prompt: Prompt, earlier: readonly Prompt[], at: Place): Placed[] {
  const { name, type, choices, pattern } = prompt;
  const faults: Placed[] = [];
  const add = (part: string, message: string) => faults.push({ at: [...at, part], message });
  if (name === 'task') add('name', 'no prompt is called task: example-task is the name of the task');
  if (earlier.some((other) => other.name === name)) add('name', `there are two prompts of the name ${name}`);
  if (type === 'choice' && choices === undefined) add('type', `${name} is a choice without choices`);
  if (type !== 'choice' && choices !== undefined) add('choices', `${name} has choices, and is no choice`);
  if (pattern !== undefined && type !== 'text') add('pattern', `a pattern is for texts, and ${name} is a ${type}`);
  const broken = pattern === undefined ? undefined : whyNotPattern(pattern);
  if (broken !== undefined) add('pattern', `the pattern of ${name} is none: ${broken}`);
  const reason = prompt.default === undefined || broken !== undefined ? undefined : whyNotGiven(prompt, prompt.default);
  if (reason !== undefined) add('default', `the default of ${name} is no answer to it: ${reason}`);
  for (const [asked, value] of Object.entries(prompt.when ?? {})) {
    const other = earlier.find((each) => each.name === asked);
    const why = other === undefined ? 'is not the name of a prompt before it' : whyNotGiven(other, value);
    if (why !== undefined)
      faults.push({
        at: [...at, 'when', asked],
        message: `when of ${name}: ${asked} ${other ? `never has that answer: ${why}` : why}`,
      });
  }
  return faults;
}

function whyNotPattern(pattern: string): string | undefined {
  try {
    new RegExp(`^(?:${pattern})$`, 'u');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function permitted(manifest: TemplateManifest): Placed[] {
  const { write = [], packageJson = {} } = manifest.permissions ?? {};
  const paths = write.flatMap((path, index) => {
    const reason = whyUnsafe(path.replace(/\/$/, ''));
    return reason === undefined
      ? []
      : [{ at: ['permissions', 'write', index], message: `${JSON.stringify(path)}: ${reason}` }];
  });
  const scripts = Object.entries(packageJson.scripts ?? {}).flatMap(([name, command]) => {
    const alone = { ...manifest, permissions: { packageJson: { scripts: { [name]: command } } } };
    const reason = whyRefused(() => packageJsonOf(alone));
    return reason === undefined ? [] : [{ at: ['permissions', 'packageJson', 'scripts', name], message: reason }];
  });
  return [...paths, ...scripts];
}

function whyRefused(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
