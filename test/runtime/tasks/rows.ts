import fs from 'node:fs';
import type { DispatchFrom, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

interface Row {
  readonly id: number;
  readonly what: string;
}

const [folder = '', way = ''] = process.argv.slice(2);
const rows = (): Row[] => JSON.parse(fs.readFileSync(`${folder}/rows.json`, 'utf8')) as Row[];
const enter = (what: string): void => fs.appendFileSync(`${folder}/log`, `${what}\n`);

/** The rows of a file, as of a table that is read by its key. The folder keeps what was asked for and what was done. */
export default class Rows implements Parallelizable<Row> {
  *dispatch(from: DispatchFrom = {}): Generator<Row> {
    if (way === 'does not look') yield* rows();
    const { after } = from;
    enter(`after ${after}`);
    for (const row of rows())
      if (way === 'from the beginning' || after === undefined || row.id > Number(after)) yield row;
  }

  cursor(row: Row): string | number {
    if (way === 'throws') throw new Error('no place');
    if (way === 'none') return undefined as unknown as number;
    if (way === 'both' && row.id > 1) return 'two';
    if (way === 'back') return -row.id;
    return way === 'text' ? String(row.id) : row.id;
  }

  async process({ id, what }: Row): Promise<void> {
    if (what === 'waits') await waitAtGate(`row ${id}`);
    enter(`${what} ${id}`);
    if (what === 'fails') throw new Error('this one fails');
  }
}
