import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type FlagName,
  flagEntry,
  flagNames,
  flags,
  parse,
  type Takes,
  written,
} from '../../generators/terminal/flags.ts';
import { Refusal } from '../../generators/terminal/refusal.ts';

const create: Takes = { shown: 'create-divvy-task', name: 'create', words: { most: 1, what: 'one folder' } };
const list: Takes = { shown: 'divvy list', name: 'list', words: { most: 0, what: 'no arguments' } };

function refusalOf(argv: string[], takes = create): Refusal {
  try {
    parse(argv, takes);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test.each([
  [[], {}, []],
  [['my-task'], {}, ['my-task']],
  [['-y', 'my-task', '--dry-run'], { yes: true, 'dry-run': true }, ['my-task']],
  [['-yf', '-tbasic'], { yes: true, force: true, template: 'basic' }, []],
  [['--template=files', '--hooks', 'a,b'], { template: 'files', hooks: 'a,b' }, []],
  [['--no-git', '--install'], { git: false, install: true }, []],
  [['--no-input', '--no-color'], { input: false, color: false }, []],
  [['-d', 'a=1', '--data', 'b=2'], { data: ['a=1', 'b=2'] }, []],
  [['--template=-odd'], { template: '-odd' }, []],
  [['--', '--yes'], {}, ['--yes']],
  [['--git', '--no-git'], { git: false }, []],
])('%j', (argv, values, words) => {
  expect(parse(argv, create)).toEqual({ values, words });
});

describe('refused with exit code 2:', () => {
  test.each([
    [['--tempalte', 'basic'], 'there is no flag "--tempalte"', '--template'],
    [['--dryrun'], 'there is no flag "--dryrun"', '--dry-run'],
    [['--no-gti'], 'there is no flag "--no-gti"', '--no-git'],
    [['--no-yes'], 'there is no flag "--no-yes"', ''],
    [['--input'], 'there is no flag "--input"', ''],
    [['-z'], 'there is no flag "-z"', ''],
    [['--__proto__'], 'there is no flag "--__proto__"', ''],
    [['--constructor=x'], 'there is no flag "--constructor"', ''],
    [['--template'], '--template needs a value', '--template NAME'],
    [['--template='], '--template needs a value', '--template NAME'],
    [['--template', '--yes'], '--template needs a value', '--template NAME'],
    [['--yes=no'], '--yes takes no value, but was given "no"', '--yes alone'],
    [['--pm', 'npn'], '--pm "npn" is not known', 'Did you mean npm?'],
    [['--on-conflict', 'merge'], '--on-conflict "merge" is not known', 'ask, skip, overwrite, fail'],
    [['a', 'b'], '"b" is one argument too many', 'one folder'],
    [['\u001b[31mred', 'b\u202e'], '"b\\u202e" is one argument too many', ''],
  ])('%j', (argv, message, remedy) => {
    const refusal = refusalOf(argv);
    expect(refusal.exitCode).toBe(2);
    expect(refusal.message).toBe(message);
    expect(refusal.remedy).toContain(remedy);
  });

  test('a flag that another command takes', () => {
    expect(refusalOf(['--force'], list).message).toBe('divvy list has no flag --force');
  });
});

test.each([
  'create',
  'add',
  'remove',
  'hook',
  'undo',
  'apply',
  'list',
  'status',
  'runs',
  'failures',
  'report',
  'pause',
  'continue',
  'workers',
  'cancel',
  'stop',
  'template',
  'doctor',
  'diff',
  'upgrade',
  'eject',
])('divvy %s takes the flags that its help lists, and no other', (name) => {
  const help = readFileSync(join(import.meta.dirname, `help/divvy-${name}.txt`), 'utf8');
  const listed = [...help.matchAll(/^ +(?:-\w, )?(--[\w-]+)(?:, (--no-[\w-]+))?( [A-Z=,]+)?(?= {2})/gm)];
  const takes = { shown: `divvy ${name}`, name, words: { most: 0, what: 'nothing' } };
  const taken = listed.flatMap(([, flag = '', negated, value]) =>
    [flag, ...(negated ? [negated] : [])].map((each) => ({ flag: each, value })),
  );
  expect(taken.map(({ flag }) => flag)).toEqual(expect.arrayContaining(['--yes', '--no-input', '--cwd', '--help']));
  for (const { flag, value } of taken) {
    const [choice = 'x'] = (flags as Record<string, { choices?: readonly string[] }>)[flag.slice(2)]?.choices ?? [];
    expect(() => parse(value ? [flag, choice] : [flag], takes)).not.toThrow();
  }
  for (const other of Object.keys(flags) as FlagName[]) {
    if (taken.some(({ flag }) => flag === written(other))) continue;
    expect(refusalOf([written(other)], takes).message).toBe(`divvy ${name} has no flag ${written(other)}`);
  }
});

test('every flag has one line of help, and a question where it is asked', () => {
  for (const name of flagNames('create')) {
    const { help, question } = flagEntry(name);
    expect(help).toMatch(/^[^\n]{3,70}$/);
    if (question !== undefined) expect(question).toMatch(/\?/);
  }
});
