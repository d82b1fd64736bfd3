/** What a seed comes to. */

import { faultless } from './faults.ts';
import { type Code, simulate } from './simulation.ts';

/** Returns what was thrown, or undefined where no rule was broken. */
export function violationOf(seed: number, code: Code, log?: (line: string) => void): unknown {
  try {
    simulate(seed, code, log);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What led to it. */
export function storyOf(seed: number): string {
  const lines: string[] = [];
  const violation = violationOf(seed, faultless, (line) => lines.push(line));
  const shown = lines.length > 60 ? [...lines.slice(0, 1), '…', ...lines.slice(-60)] : lines;
  const again = `DIVVY_SEED=${seed} npx vitest run test/runtime/master/delivery.test.ts`;
  return [`seed ${seed}: ${violation}`, ...shown, `again: ${again}`].join('\n');
}
