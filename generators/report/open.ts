/** Opens a report in the person's browser. */

import { startApart } from '../programs/processes.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Opens a file or an address; says so if that can't be done here, and goes on. */
export async function openInBrowser(what: string, terminal: Terminal): Promise<void> {
  const why = await startApart(process.platform === 'darwin' ? 'open' : 'xdg-open', [what]);
  if (why !== undefined) terminal.note(`no browser could be opened (${why}): open ${what} yourself`);
}
