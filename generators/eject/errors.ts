/** The messages of refusals about ejecting. */

import { quoted, Refusal } from '../terminal/refusal.ts';

export const upgradeWaitsHere = (upgrade: string): Refusal =>
  new Refusal(
    3,
    'an upgrade waits here for its conflicts to be resolved',
    `Finish it first (${upgrade} --continue), or forget it (${upgrade} --abort).`,
  );

export const importNeeded = (modules: readonly string[]): Refusal =>
  new Refusal(
    3,
    `divvy.json says that tasks need ${modules.map(quoted).join(', ')} to be loaded first, and that would be lost`,
    `Nothing was changed. Put it into the scripts of package.json that run tasks (${modules.map((it) => `--import ${it}`).join(' ')}), take "import" out of divvy.json, and try again.`,
  );
