/**
 * Draws docs/run.svg, the picture in the README: makes a project and runs it in a real terminal (tmux), and draws what that
 * terminal shows. `npm run picture`, with tmux installed.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const COLUMNS = 92;
const ROWS = 60;
/** The size of a character, and of the border, in pixels. */
const [WIDTH, HEIGHT, BORDER] = [8.4, 19, 16];
/** What a reader would type. */
const COMMANDS = ['create-divvy-task my-backfill --yes', 'cd my-backfill && npm start -- -n 3'];
const PATIENCE_MS = 60_000;
/** Classes of the drawing, by the terminal's numbers; the first and the last are as plain text. */
const COLOURS = ['', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', ''];

const home = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'divvy-picture-'));
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-L', `divvy-picture-${process.pid}`, '-f', '/dev/null', ...args], { encoding: 'utf8' });
const screen = (): string => tmux('capture-pane', '-e', '-p').trimEnd();

try {
  openTerminal();
  for (const [at, command] of COMMANDS.entries()) {
    tmux('send-keys', command, 'Enter');
    await promptIsBack(at + 2);
  }
  const lines = screen().split('\n').slice(0, -1);
  writeFileSync(join(home, 'docs/run.svg'), drawingOf(lines));
} finally {
  tmux('kill-server');
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
}

/** A shell with this checkout's create-divvy-task on its PATH, and as little else of this machine as can be. */
function openTerminal(): void {
  const program = join(folder, 'bin/create-divvy-task');
  mkdirSync(dirname(program));
  writeFileSync(program, `#!/bin/sh\nexec node '${join(home, 'bin/create-divvy-task.ts')}' "$@"\n`);
  chmodSync(program, 0o755);
  const PATH = [dirname(program), dirname(process.execPath), process.env['PATH']].join(':');
  const set = {
    PATH,
    HOME: folder,
    PS1: '$ ',
    TERM: 'tmux-256color',
    LANG: 'C.UTF-8',
    npm_config_update_notifier: 'false',
  };
  const shell = ['env', '-i', ...Object.entries(set).map(([name, value]) => `${name}=${value}`), 'bash', '--norc'];
  tmux('new-session', '-d', '-x', `${COLUMNS}`, '-y', `${ROWS}`, '-c', folder, ...shell, '--noprofile');
}

/** Resolves once the shell has shown so many prompts, the last of which waits for a command. */
async function promptIsBack(count: number): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
    const lines = screen().split('\n');
    if (lines.filter((line) => /^\$( |$)/.test(line)).length === count && lines.at(-1)?.trim() === '$') return;
  }
  throw new Error(`the terminal shows no prompt:\n${screen()}`);
}

/** A drawing of lines with colours (SGR) in them, for a light and a dark page. */
function drawingOf(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * WIDTH + 2 * BORDER);
  const height = lines.length * HEIGHT + 2 * BORDER;
  const texts = lines.map((line, row) => textOf(line, BORDER + row * HEIGHT + 14)).filter((text) => text !== '');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>A project is made and run in a terminal</title>
<style>
rect { fill: #f6f8fa; stroke: #d1d9e0 }
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; white-space: pre }
.bold { font-weight: 600 } .dim { fill: #59636e } .red { fill: #c21c2c } .green { fill: #116329 }
.yellow { fill: #7d4e00 } .blue { fill: #0550ae } .magenta { fill: #7a2fc0 } .cyan { fill: #0b6a75 }
@media (prefers-color-scheme: dark) {
rect { fill: #151b23; stroke: #3d444d } text { fill: #f0f6fc }
.dim { fill: #9198a1 } .red { fill: #ff7b72 } .green { fill: #57d364 } .yellow { fill: #e3b341 }
.blue { fill: #79c0ff } .magenta { fill: #d2a8ff } .cyan { fill: #56d4dd }
}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${texts.join('\n')}
</svg>
`;
}

/** One line of the terminal as a text; each piece of one colour begins at its own column, whatever the font. */
function textOf(line: string, y: number): string {
  let column = 0;
  let style: string[] = line.startsWith('$ ') ? ['bold'] : [];
  let pieces = '';
  for (const [at, part] of line.split('\u001b[').entries()) {
    const [codes, text] = at === 0 ? ['', part] : [part.slice(0, part.indexOf('m')), part.slice(part.indexOf('m') + 1)];
    if (at > 0) style = styleAfter(style, codes);
    const shown = text.trimEnd();
    const classes = style.length > 0 ? ` class="${style.join(' ')}"` : '';
    const [x, length] = [BORDER + column * WIDTH, shown.length * WIDTH].map((pixels) => pixels.toFixed(1));
    if (shown !== '') pieces += `<tspan x="${x}"${classes} textLength="${length}">${escaped(shown)}</tspan>`;
    column += text.length;
  }
  return pieces === '' ? '' : `<text xml:space="preserve" y="${y}">${pieces}</text>`;
}

function styleAfter(style: readonly string[], codes: string): string[] {
  let after = [...style];
  for (const code of codes.split(';').map(Number)) {
    const isColour = (code >= 30 && code <= 37) || code === 39;
    if (code === 0) after = [];
    else if (code === 1) after.push('bold');
    else if (code === 2 || code === 90) after.push('dim');
    else if (code === 22) after = after.filter((name) => name !== 'bold' && name !== 'dim');
    else if (isColour) after = [...after.filter((name) => !COLOURS.includes(name)), COLOURS[code - 30] ?? ''];
    after = after.filter((name) => name !== '');
  }
  return after;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
