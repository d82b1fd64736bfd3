/** What a fault is that is put into the text of the runtime: faults.ts puts it in. */

/** The files of the delivery rules: they are loaded together. */
export const RULES = [
  'delivery.ts',
  'handing.ts',
  'gate.ts',
  'slot.ts',
  'backlog.ts',
  'run.ts',
  'boots.ts',
  'backoff.ts',
] as const;

export interface Fault {
  readonly what: string;
  /** Relative to runtime/master/; delivery.ts where nothing is said. */
  readonly file?:
    | (typeof RULES)[number]
    | 'barrier.ts'
    | 'cursor.ts'
    | 'intake.ts'
    | 'order.ts'
    | '../journal/key-set.ts';
  readonly find: string;
  readonly put: string;
  /** The search of small cases notices it, too. */
  readonly searched?: true;
}
