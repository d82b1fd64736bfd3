import fc from 'fast-check';
import { ts } from 'ts-morph';
import { expect, test } from 'vitest';
import { addHooks, type HookResult, type Inserted } from '../../generators/codemods/hook.ts';
import { removeHooks } from '../../generators/codemods/hook-removal.ts';
import { bareSource, contract, hooks, source } from './sources.ts';

/** DIVVY_RUNS=1000 tries more. */
const RUNS = Number(process.env['DIVVY_RUNS'] ?? 70);

const order = ['dispatch', 'process', ...hooks];
const fileName = 'tasks/nightly.ts';

/** Some of the hooks, in some order. */
const someHooks = fc.shuffledSubarray([...hooks]);

test('whatever the class: what was there is there, in order, and only the hooks are new', () => {
  fc.assert(
    fc.property(source, someHooks, (input, wanted) => {
      const options = { fileName, hooks: wanted, contract };
      const before = membersOf(input);
      const missing = wanted.filter((hook) => !before.some(({ name, isStatic }) => name === hook && !isStatic));

      const result = addHooks(input, options);
      if (missing.length === 0) {
        expect(result).toEqual({ kind: 'unchanged' });
        return;
      }
      if (result.kind !== 'changed') throw new Error(JSON.stringify(result));

      const after = membersOf(result.text);
      const isNew = ({ name, isStatic }: Member): boolean => missing.includes(name) && !isStatic;
      expect(after.filter((each) => !isNew(each))).toEqual(before);
      expect(
        after
          .filter(isNew)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(missing.sort());
      for (const hook of missing) expectInPlace(hook, before, after);

      expect(isSubsequence(input, result.text)).toBe(true);
      expect(/\r\n/.test(result.text)).toBe(/\r\n/.test(input));
      expect(/[^\r]\n/.test(result.text)).toBe(/[^\r]\n/.test(input));
      expect(addHooks(result.text, options)).toEqual({ kind: 'unchanged' });
    }),
    { numRuns: RUNS },
  );
});

interface Edited {
  readonly text: string;
  readonly inserted?: Inserted;
}

function edited(result: HookResult, before: Edited): Edited {
  if (result.kind === 'refused') throw new Error(JSON.stringify(result));
  return result.kind === 'changed' ? result : before;
}

const add = (before: Edited, names: readonly string[]): Edited =>
  edited(addHooks(before.text, { fileName, contract, hooks: names, inserted: before.inserted }), before);
const remove = (before: Edited, names: readonly string[]): Edited =>
  edited(
    removeHooks(before.text, { fileName, contract, hooks: names, inserted: before.inserted, force: false }),
    before,
  );

/** A list in some pieces. */
const pieces = (names: readonly string[]) =>
  fc.array(fc.nat(names.length), { maxLength: 4 }).map((cuts) => {
    const ends = [...cuts.sort((a, b) => a - b), names.length];
    return ends.map((end, index) => names.slice(ends[index - 1] ?? 0, end));
  });

const batches = someHooks.chain((names) =>
  fc.tuple(pieces(names), fc.shuffledSubarray(names, { minLength: names.length }).chain(pieces)),
);

test('added by one command or several, and removed by others in any order: the text is what it was, to the byte', () => {
  fc.assert(
    fc.property(fc.oneof(source, bareSource), batches, (input, [additions, removals]) => {
      const before = membersOf(input).filter(({ isStatic }) => !isStatic);
      const isMissing = (hook: string): boolean => !before.some(({ name }) => name === hook);
      let now: Edited = { text: input };
      for (const names of additions) now = add(now, names);
      for (const names of removals) {
        now = remove(now, names.filter(isMissing));
        membersOf(now.text);
      }
      expect(now.text).toBe(input);
      expect(now.inserted ?? { hooks: {}, imports: [] }).toEqual({ hooks: {}, imports: [] });
    }),
    { numRuns: RUNS },
  );
});

interface Member {
  name: string;
  isStatic: boolean;
  text: string;
}

/** The members of the one class of a source that has no syntax errors. */
function membersOf(text: string): Member[] {
  const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true, fileName: 'nightly.ts' });
  expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
  const file = ts.createSourceFile('nightly.ts', text, ts.ScriptTarget.Latest, true);
  let found: Member[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isClassLike(node)) {
      found = node.members.map((each) => ({
        name: each.name?.getText(file) ?? '',
        isStatic:
          ts.canHaveModifiers(each) &&
          (ts.getModifiers(each) ?? []).some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword),
        text: each.getText(file),
      }));
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

/** Behind the nearest of the contract's members before it that the author had written; a class here always has one. */
function expectInPlace(hook: string, before: readonly Member[], after: readonly Member[]): void {
  const named = (members: readonly Member[], name: string): number =>
    members.findIndex((each) => each.name === name && !each.isStatic);
  const earlier = order.slice(0, order.indexOf(hook));
  const anchor = earlier.findLast((name) => named(after, name) !== -1) ?? '';
  const between = after.slice(named(after, anchor) + 1, named(after, hook));
  expect(between.filter(({ text }) => text !== ';')).toEqual([]);
  expect(named(before, hook)).toBe(-1);
}

function isSubsequence(part: string, whole: string): boolean {
  let found = 0;
  for (const character of whole) if (part.startsWith(character, found)) found += character.length;
  return found === part.length;
}
