/** Opens a report in the person's browser. */

import { runTool } from '../programs/processes.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Opens a file or an address; says so if that can't be done here, and goes on. */
export async function openInBrowser(what: string, terminal: Terminal): Promise<void> {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const opened = await runTool(opener, [what], { cwd: process.cwd() });
  if (!opened.done) terminal.note(`no browser could be opened (${opened.reason}): open ${what} yourself`);
}
