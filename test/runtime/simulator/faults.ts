/**
 * Faults that are put into the text of the runtime, to see that the simulator and the search notice. Each `find` is in its
 * file exactly once: where the rules are written anew, the faults are too.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { KeySet } from '../../../runtime/journal/key-set.ts';
import { Barrier } from '../../../runtime/master/barrier.ts';
import { Cursor } from '../../../runtime/master/cursor.ts';
import { Delivery } from '../../../runtime/master/delivery.ts';
import { Intake } from '../../../runtime/master/intake.ts';
import { Order } from '../../../runtime/master/order.ts';
import { CURSOR_FAULTS } from './cursor-faults.ts';
import { type Fault, RULES } from './fault.ts';
import { HAND_FAULTS } from './hand-faults.ts';
import { ITEM_FAULTS } from './item-faults.ts';
import { ORDER_FAULTS } from './order-faults.ts';
import { RUN_FAULTS } from './run-faults.ts';
import type { Code } from './simulation.ts';

const master = path.join(import.meta.dirname, '../../../runtime/master');

/** The code as it is. */
export const faultless: Code = { Barrier, Cursor, Delivery, Intake, KeySet, Order };

/** Returns the code with a fault in it. Throws where the fault has no place in it any more. */
export async function withFault(fault: Fault): Promise<Code> {
  const file = fault.file ?? 'delivery.ts';
  if (isRule(file)) return { ...faultless, ...(await loadRules(fault, (text) => text)) };
  return { ...faultless, ...(await load(file, new Map([[file, textWith(fault)]]))) };
}

/** The same, with the private names of the rules opened, so that the whole of their state can be copied and compared. */
export async function openedCode(fault?: Fault): Promise<Code> {
  const isOfRules = !fault || isRule(fault.file ?? 'delivery.ts');
  const open = (text: string): string => text.replaceAll(/#(?=[a-z])/gi, '_');
  const opened = await loadRules(isOfRules ? fault : undefined, open);
  const alone = async (file: string): Promise<Partial<Code>> => {
    const text = fault?.file === file ? textWith(fault) : readFileSync(path.join(master, file), 'utf8');
    return load(file, new Map([[file, open(text)]]));
  };
  const others = { ...(await alone('order.ts')), ...(await alone('cursor.ts')) };
  return { ...faultless, ...(fault && !isOfRules && (await withFault(fault))), ...opened, ...others };
}

const isRule = (file: string): boolean => (RULES as readonly string[]).includes(file);

function loadRules(fault: Fault | undefined, change: (text: string) => string): Promise<Partial<Code>> {
  const texts = RULES.map((file): [string, string] => {
    const isFaulty = fault && (fault.file ?? 'delivery.ts') === file;
    return [file, change(isFaulty ? textWith(fault) : readFileSync(path.join(master, file), 'utf8'))];
  });
  return load('delivery.ts', new Map(texts));
}

function textWith({ what, file = 'delivery.ts', find, put }: Fault): string {
  const source = readFileSync(path.join(master, file), 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`"${what}": its text is in runtime/master/${file} ${places} times: ${find}`);
  return source.replace(find, () => put);
}

/** Loads a file of the runtime, where it and others have other texts. */
async function load(entry: string, texts: ReadonlyMap<string, string>): Promise<Partial<Code>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'divvy-fault-'));
  try {
    for (const [file, text] of texts) {
      const from = path.dirname(path.join(master, file));
      const whole = text.replaceAll(/from '(\.[^']+)'/g, (all, to: string) =>
        texts.has(path.basename(to)) ? all : `from '${pathToFileURL(path.join(from, to)).href}'`,
      );
      writeFileSync(path.join(folder, path.basename(file)), whole);
    }
    return (await import(pathToFileURL(path.join(folder, path.basename(entry))).href)) as Partial<Code>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** All of them. */
export const faults: readonly Fault[] = [
  ...ITEM_FAULTS,
  ...RUN_FAULTS,
  ...HAND_FAULTS,
  ...CURSOR_FAULTS,
  ...ORDER_FAULTS,
];
