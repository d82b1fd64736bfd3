// Many commands one after another, without a process for each: the published bundle, in this process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inject } from 'vitest';
import { cleanEnvironment, withoutWaiting } from './commands.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, in a folder. One at a time: folder, environment and output are the process's. */
export async function divvyHere(argv: readonly string[], cwd: string): Promise<Said> {
  const { main } = await import(pathToFileURL(join(inject('commands'), 'commands.js')).href);
  const said = { stdout: '', stderr: '' };
  const back = [inFolder(cwd), inEnvironment(cleanEnvironment()), heard('stdout', said), heard('stderr', said)];
  const { exitCode } = process;
  try {
    await main('divvy', argv);
    return { code: Number(process.exitCode), ...said, stderr: withoutWaiting(said.stderr) };
  } finally {
    process.exitCode = exitCode;
    for (const each of back) each();
  }
}

function inFolder(cwd: string): () => void {
  const before = process.cwd();
  process.chdir(cwd);
  return () => process.chdir(before);
}

function inEnvironment(environment: NodeJS.ProcessEnv): () => void {
  const before = process.env;
  process.env = environment;
  return () => {
    process.env = before;
  };
}

function heard(name: 'stdout' | 'stderr', said: { stdout: string; stderr: string }): () => void {
  const stream = process[name];
  const { write } = stream;
  stream.write = (text: string | Uint8Array): boolean => {
    said[name] += String(text);
    return true;
  };
  return () => {
    stream.write = write;
  };
}
