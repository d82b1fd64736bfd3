/** All cases, in the order in which they are tried. */

import { deliveryCases } from './delivery-cases.ts';
import { journalCases } from './journal-cases.ts';
import { stopCases } from './stop-cases.ts';
import { surfaceCases } from './surface-cases.ts';
import type { Case } from './trial.ts';

// In each list the cases that wait longest come first, so that the others run meanwhile.
export const CASES: readonly Case[] = [...deliveryCases, ...stopCases, ...journalCases, ...surfaceCases];
