/** Checks the files of a template: their places, their placeholders, their TypeScript. */

import { posix } from 'node:path';
import { className } from '../project/names.ts';
import { DEFAULT_RUNTIME_DIR } from '../project/runtime-folder.ts';
import { targetOf } from '../rendering/files.ts';
import { type Answer, textsIn, unknownPlaceholders, withNames, withTexts } from '../rendering/placeholders.ts';
import { whyNotThere } from '../rendering/places.ts';
import { HIDDEN_BY_NPM, visible, whyLost } from '../sources/hidden.ts';
import { MANIFEST_OF_TEMPLATE } from '../sources/parts.ts';
import type { Prompt, TemplateFile, TemplateManifest } from '../sources/templates.ts';
import { type Finding, fault, lineOfOffset, note } from './finding.ts';

const TASK = 'tasks/example-task.ts';
const TEST = 'test/example-task.test.ts';
/** The tests that `divvy add` rewrites for other test runners. */
const OTHER_RUNNERS = /^test\/[^/]+\.test\.ts$/;
const TASK_IN_TEST = '../tasks/example-task.ts';
/** A name that no task and no answer has. */
const NAME = 'qqq-qqq';
/** Everything that ends a string, or starts code, in some language. */
const HOSTILE = `'"\`\${x}</script>*/ // \\`;
const PLAIN = 'plain';

/** files - the contents of the template's folder `files`, with their paths inside it. */
export async function checkFiles(files: readonly TemplateFile[], manifest: TemplateManifest): Promise<Finding[]> {
  // The manifest check reports a prompt named `task`; here it would be taken for the task's own name.
  const prompts = (manifest.prompts ?? []).filter(({ name }) => name !== 'task');
  const missing = [TASK, TEST].filter((path) => !files.some((file) => file.path.replace(/\.ejs$/, '') === path));
  const each = await Promise.all(files.map((file) => checkFile(file, manifest, prompts)));
  const lost = whyLost({ manifest, files });
  return [
    ...missing.map((path) => fault(`files/${path}`, 1, 'every template has this file')),
    ...(lost === undefined ? [] : [fault(MANIFEST_OF_TEMPLATE, 1, lost)]),
    ...each.flat(),
  ];
}

async function checkFile(
  { path, bytes }: TemplateFile,
  manifest: TemplateManifest,
  prompts: readonly Prompt[],
): Promise<Finding[]> {
  const shown = `files/${path}`;
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  return [
    ...checkPath(path, shown, manifest, prompts),
    ...(!isText
      ? []
      : path.endsWith('.ejs')
        ? checkEjs(shown, text, prompts)
        : await checkText(path, shown, text, prompts)),
  ];
}

function checkPath(path: string, shown: string, manifest: TemplateManifest, prompts: readonly Prompt[]): Finding[] {
  const target = targetOf(path, NAME, answersFor(prompts, PLAIN));
  const reason = whyNotThere(target, manifest.permissions, { task: NAME, runtimeDir: DEFAULT_RUNTIME_DIR });
  const name = posix.basename(path);
  return [
    ...(HIDDEN_BY_NPM.includes(name)
      ? [fault(shown, 1, `npm leaves ${name} out of a package, and obeys it: call this file ${visible(name)}`)]
      : []),
    ...(reason === undefined ? [] : [fault(shown, 1, `it may not be written: ${reason}`)]),
    ...unknownIn(path, prompts).map((name) => fault(shown, 1, whyUnknown(name, prompts))),
    ...textsIn(path, answersFor(prompts, PLAIN)).map(({ answer }) =>
      fault(shown, 1, `the answer to ${answer.name} is no name, and only names may be in a path`),
    ),
  ];
}

/** Does not run an EJS file: it is code, perhaps somebody else's. */
function checkEjs(shown: string, text: string, prompts: readonly Prompt[]): Finding[] {
  const words = ['task', ...namesOf(prompts)].map((name) => `example-${name}`);
  const left = words.find((word) => text.includes(word));
  return [
    note(shown, 1, 'this is code, so the template is used only where it is trusted'),
    ...(left === undefined
      ? []
      : [
          fault(
            shown,
            lineOfOffset(text, text.indexOf(left)),
            `${left} is not replaced in an .ejs: write <%- ${left === 'example-task' ? 'task' : `answers['${left.slice('example-'.length)}']`} %>`,
          ),
        ]),
  ];
}

async function checkText(path: string, shown: string, text: string, prompts: readonly Prompt[]): Promise<Finding[]> {
  const unknown = unknownIn(text, prompts).map((name) =>
    fault(shown, lineOfOffset(text, text.search(new RegExp(`example-${name}(?![\\w-])`))), whyUnknown(name, prompts)),
  );
  const isSource = /\.[cm]?[jt]sx?$/.test(path);
  const isWritten = isSource || /\.(json|md|markdown)$/.test(path);
  const answers = answersFor(prompts, isWritten ? HOSTILE : PLAIN);
  if (!isSource) {
    const result = withTexts(path, text, answers);
    return 'reason' in result ? [...unknown, fault(shown, 1, result.reason)] : unknown;
  }
  const { faultsOfSource, faultsOfTest } = await import('../codemods/template-source.ts');
  const texts = textsIn(text, answers).map(({ word, answer }) => ({ word, value: answer.value }));
  const faults = /\.[cm]?tsx?$/.test(path) ? faultsOfSource(text, path, texts) : [];
  const ofTest = OTHER_RUNNERS.test(path) ? faultsOfTest(text, path, TASK_IN_TEST) : [];
  return [...unknown, ...[...faults, ...ofTest].map(({ line, reason }) => fault(shown, line, reason))];
}

/** A word that ends in a hyphen is the beginning of a name, for example of a temporary folder. */
const unknownIn = (text: string, prompts: readonly Prompt[]): string[] =>
  unknownPlaceholders(text, namesOf(prompts)).filter((name) => !name.endsWith('-'));

const namesOf = (prompts: readonly Prompt[]): string[] => prompts.map(({ name }) => name);

const answersFor = (prompts: readonly Prompt[], text: string): Answer[] =>
  prompts.map(({ name, type }) => {
    const value = { name: NAME, text, number: '-1.5', choice: text, 'yes-no': 'yes' }[type];
    return { name, value, isName: type === 'name' };
  });

const whyUnknown = (name: string, prompts: readonly Prompt[]): string =>
  `example-${name} is no prompt's: there ${
    prompts.length === 0
      ? 'are none'
      : `is example-task, and ${namesOf(prompts)
          .map((each) => `example-${each}`)
          .join(', ')}`
  }`;

/** The prompts that nothing in the template uses. */
export function unusedPrompts(files: readonly TemplateFile[], prompts: readonly Prompt[]): Prompt[] {
  const texts = files.flatMap(({ path, bytes }) => [
    { isEjs: path.endsWith('.ejs'), text: bytes.toString('utf8') },
    { isEjs: false, text: path },
  ]);
  return prompts.filter((prompt) => {
    const { name, type } = prompt;
    const isAsked = prompts.some(({ when = {} }) => Object.hasOwn(when, name));
    const answer: Answer = { name, value: NAME, isName: type === 'name' };
    const isIn = ({ text, isEjs }: { text: string; isEjs: boolean }) =>
      isEjs
        ? text.includes(name) || text.includes(className(name))
        : withNames(text, 'example-task', [answer]) !== withNames(text, 'example-task', []) ||
          textsIn(text, [answer]).length > 0;
    return !isAsked && !texts.some(isIn);
  });
}
