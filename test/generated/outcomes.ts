// What the journal of a generated project has recorded.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Recorded {
  readonly type: 'done' | 'failed';
  readonly key: string;
}

/** Every outcome in the one journal of a project, in the order in which they were recorded. */
export function outcomesOf(project: string): Recorded[] {
  const [journal = '', ...more] = globSync(join(project, '.divvy/my-task/*.ndjson'));
  if (more.length > 0) throw new Error(`there are more journals: ${more.join(', ')}`);
  const text = readFileSync(journal, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => /^\{"type":"(done|failed)"/.test(line))
    .flatMap((line) => {
      const { type, keys, key } = JSON.parse(line) as Recorded & { readonly keys?: readonly string[] };
      return (keys ?? [key]).map((each) => ({ type, key: each }));
    });
}
