/** `divvy template test [folder]`: makes projects from a template, checks their types and runs their tests. */

import { join } from 'node:path';
import { version } from '../package.ts';
import { badCase } from '../sources/errors.ts';
import { inPrivateFolder } from '../sources/private-folder.ts';
import { asTemplate } from '../sources/template.ts';
import type { FoundTemplate } from '../sources/templates-in.ts';
import { askedBy, askedInWords } from '../sources/trusting.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { saying } from '../terminal/waiting.ts';
import { type Case, casesOf } from './cases.ts';
import { ownTemplates } from './own.ts';
import { providePackages } from './packages.ts';
import { SHAPES } from './shapes.ts';
import { type Bench, type Step, tryOut } from './trial.ts';

/** One set of answers, tried in one shape. */
interface Tried {
  readonly case: string;
  readonly shape: string;
  readonly steps: readonly Step[];
}

/**
 * Resolves with 0, or with 1 if a test failed. Rejects with a Refusal: with exit code 3 for an unusable manifest or set
 * of answers, with 1 if it cannot get the packages for the type check.
 */
export async function test(call: Call): Promise<Exit> {
  const { root, found } = await ownTemplates(call);
  const broken = found.find((template) => 'refusal' in template);
  if (broken && 'refusal' in broken) throw broken.refusal;
  const templates: { name: string; folder: string; packages: string; tried: readonly Tried[] }[] = [];
  for (const template of found as readonly FoundTemplate[]) {
    const { name } = template.manifest;
    templates.push({ name, folder: template.folder, ...(await testOne(call, template, join(root, template.folder))) });
  }
  const steps = templates.flatMap(({ tried }) => tried.flatMap((each) => each.steps));
  const failed = steps.filter((step) => step.failed !== undefined).length;
  call.terminal.say(failed === 0 ? `All ${steps.length} steps passed.` : `${failed} of ${steps.length} steps failed.`);
  call.terminal.result({ command: 'template test', version, failed, templates });
  return failed === 0 ? 0 : 1;
}

async function testOne(
  call: Call,
  template: FoundTemplate,
  folder: string,
): Promise<{ packages: string; tried: Tried[] }> {
  const { terminal } = call;
  const { manifest } = template;
  const { cases, bad } = casesOf(template.files, manifest);
  const [first] = bad;
  if (first !== undefined) throw badCase(first.file, first.reason);
  terminal.say(
    `${terminal.style.strong(manifest.name)} ${manifest.version}: ${counted(cases)}, each in ${SHAPES.length} places`,
  );
  const asks = askedInWords(askedBy(asTemplate(template, { source: '', identity: '', resolved: '' })));
  if (asks.length > 0) {
    const lines = [
      'It needs trust. It is yours, so testing it is the yes, for now: it will',
      ...asks.map((word) => `  ${word}`),
    ];
    terminal.note(lines.join('\n'));
  }
  return inPrivateFolder(async ({ path }) => {
    const packages = await saying(terminal.note, 'Still looking for what it is tested with: waiting for npm.', () =>
      providePackages(path, folder, manifest),
    );
    terminal.say(`with ${packages}`);
    const bench: Bench = { folder: path, template: folder, environment: environmentOf(call, path) };
    const tried: Tried[] = [];
    for (const each of cases) {
      for (const shape of SHAPES) {
        const steps: Step[] = [];
        for await (const step of tryOut(bench, each, shape)) {
          steps.push(step);
          say(call, `${each.name}, ${shape.name}: ${step.step}`, step.failed);
        }
        tried.push({ case: each.name, shape: shape.name, steps });
      }
    }
    return { packages, tried };
  });
}

const counted = (cases: readonly Case[]): string => {
  const names = cases.map(({ name }) => harmless(name)).join(', ');
  return cases.length === 1 ? `one set of answers (${names})` : `${cases.length} sets of answers (${names})`;
};

/**
 * Stores trust for the test in a temporary folder. Removes the variables that npm or a test runner has set: they are
 * meant for this command, and not for the programs that it starts.
 */
function environmentOf({ environment }: Call, folder: string): NodeJS.ProcessEnv {
  const left = Object.entries(environment).filter(([name]) => !/^(npm_|NODE_TEST_CONTEXT$)/i.test(name));
  const config = join(folder, 'config');
  return { ...Object.fromEntries(left), XDG_CONFIG_HOME: config, APPDATA: config };
}

function say({ terminal }: Call, what: string, failed: string | undefined): void {
  const { style } = terminal;
  terminal.say(`  ${failed === undefined ? style.added('ok') : style.removed('failed')}  ${harmless(what)}`);
  if (failed !== undefined) terminal.show(failed.replaceAll(/^/gm, '    '));
}
