// The package managers that people create a project with, run as on their machine: see `clients`.
import { type ExecFileException, type ExecFileOptions, execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

export interface Client {
  name: string;
  /** The program and its first arguments. */
  command: string[];
  /** Makes a project: `npm create divvy-task@latest my-backfill`. */
  create: string[];
  /** Settings as environment variables: which registry to use. */
  registry: (url: string) => NodeJS.ProcessEnv;
  /** It runs no script of a project that it has not installed. */
  installsFirst?: true;
}

/** The machine's own npm. */
export const npm: Client = {
  name: 'npm',
  command: ['npm'],
  create: ['create', 'divvy-task@latest'],
  registry: (url) => ({ npm_config_registry: url }),
};

/** npm, and its siblings as they are in this repository's devDependencies. */
export const clients: Client[] = [
  npm,
  {
    name: 'pnpm',
    command: [script('pnpm')],
    create: ['create', 'divvy-task@latest'],
    registry: (url) => ({ pnpm_config_registry: url }),
  },
  {
    name: 'yarn classic',
    command: [process.execPath, script('yarn-classic', 'yarn')],
    create: ['create', 'divvy-task'],
    registry: (url) => ({ npm_config_registry: url, YARN_REGISTRY: url }),
  },
  {
    name: 'yarn',
    command: [process.execPath, script('@yarnpkg/cli-dist', 'yarn')],
    create: ['create', 'divvy-task@latest'],
    installsFirst: true,
    registry: (url) => ({
      YARN_NPM_REGISTRY_SERVER: url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      // By itself it waits until a version is some days old.
      YARN_NPM_MINIMAL_AGE_GATE: '0',
      // By itself it refuses to make a lock file where CI is set.
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
      // TypeScript 7 does not look into the archives of Plug'n'Play.
      YARN_NODE_LINKER: 'node-modules',
      YARN_ENABLE_TELEMETRY: '0',
    }),
  },
  {
    name: 'bun',
    command: [script('bun')],
    create: ['create', 'divvy-task@latest'],
    registry: (url) => ({ npm_config_registry: url }),
  },
];

function script(name: string, bin = name): string {
  const manifest = require.resolve(`${name}/package.json`);
  return join(dirname(manifest), require(manifest).bin[bin]);
}

/**
 * This machine's environment without what the npm that runs the tests has put into it: its `npm_` variables, and the
 * programs of this repository on PATH, which would stand in for what a project has not installed.
 */
export function outside(): NodeJS.ProcessEnv {
  const environment = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|INIT_CWD$|NODE_OPTIONS$|VITEST)/i.test(name),
  );
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(environment), PATH: [dirname(process.execPath), ...path].join(delimiter) };
}

/**
 * The same on a fresh machine, whose caches and settings would all be in `home`, with one registry, which is at `url`
 * and takes any token.
 */
export function freshMachine(client: Client, home: string, url: string): NodeJS.ProcessEnv {
  return {
    ...outside(),
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_DATA_HOME: join(home, 'data'),
    npm_config_globalconfig: join(home, 'global-npmrc'),
    ...client.registry(url),
  };
}

/** Runs a client; resolves with what it and what it started printed on stdout, and rejects with all that they printed. */
export async function run(
  client: Client,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  const [command = '', ...first] = client.command;
  return execute(command, [...first, ...args], options);
}

/** Runs one of the project's scripts, by Node.js itself where the client would have to install the project first. */
export async function runScript(
  client: Client,
  name: string,
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  if (client.installsFirst) return execute(process.execPath, ['--run', name], options);
  return run(client, ['run', name], options);
}

async function execute(command: string, args: string[], options: ExecFileOptions): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...options, encoding: 'utf8' });
    return stdout;
  } catch (error) {
    // execFile's message has what was printed on stderr.
    const { message, stdout } = error as ExecFileException;
    throw new Error(`${message}\n${stdout}`, { cause: error });
  }
}
