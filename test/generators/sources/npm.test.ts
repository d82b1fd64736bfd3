// Packages from a registry of our own, by real npm, as somebody's own settings have it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Fetched, fetchSource } from '../../../generators/sources/fetch.ts';
import { isSameRegistry } from '../../../generators/sources/npmrc.ts';
import { parseSource } from '../../../generators/sources/source.ts';
import { Refusal } from '../../../generators/terminal/refusal.ts';
import { type Registry, startRegistry } from '../../package/registry.ts';
import { cleanEnvironment, freshFolder } from '../commands.ts';
import { TEMPLATE, tgz } from './archives.ts';
import { refusal } from './refusal.ts';
import { repositoryWith } from './repositories.ts';

const TOKEN = 'npm_s3cr3tT0ken';

let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry({ token: TOKEN });
});
afterAll(() => registry[Symbol.asyncDispose]());
beforeEach(() => {
  registry.requests.length = 0;
});

/** Puts a package into the registry as `npm publish` would have; returns its archive's path there. */
function publish(
  name: string,
  version: string,
  files: Readonly<Record<string, string>> = TEMPLATE,
  dist: Readonly<Record<string, string>> = {},
): string {
  const manifest = JSON.stringify({
    name,
    version,
    scripts: scriptsThat('exit 1'),
    ...JSON.parse(files['package.json'] ?? '{}'),
  });
  const entries = Object.entries({ ...files, 'package.json': manifest });
  const bytes = tgz(...entries.map(([path, text]) => ({ path: `package/${path}`, text })));
  const path = `/${name}/-/${name.replace(/.*\//, '')}-${version}.tgz`;
  registry.tarballs.set(path, bytes);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const before = registry.packages.get(name);
  const described = {
    ...JSON.parse(manifest),
    dist: { tarball: `${registry.url.slice(0, -1)}${path}`, integrity, ...dist },
  };
  registry.packages.set(name, {
    name,
    versions: { ...before?.versions, [version]: described },
    'dist-tags': { latest: version },
    _attachments: {},
  });
  return path;
}

const SCRIPTS = [
  'preinstall',
  'install',
  'postinstall',
  'prepare',
  'prepack',
  'postpack',
  'prepublish',
  'dependencies',
];
const scriptsThat = (act: string) => Object.fromEntries(SCRIPTS.map((name) => [name, act]));

/** The environment of somebody whose own .npmrc says this. */
function somebody(npmrc: readonly string[], extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const home = freshFolder();
  writeFileSync(join(home, '.npmrc'), `${npmrc.join('\n')}\n`);
  return cleanEnvironment({ HOME: home, npm_config_globalconfig: join(home, 'global'), ...extra });
}
const knowing = (extra?: NodeJS.ProcessEnv) =>
  somebody(
    ['fetch-retries=0', `registry=${registry.url}`, `${registry.url.replace('http:', '')}:_authToken=${TOKEN}`],
    extra,
  );

const fetchText = (text: string, environment = knowing(), cwd = '/', expected?: string): Promise<Fetched> =>
  fetchSource(parseSource(text), { cwd, environment, expected });
const secretsIn = (value: unknown): string[] => JSON.stringify(value).match(/s3cr3t\w*/g) ?? [];

describe('a package is read', () => {
  test('at the version that is meant, and resolved to what the registry says of its bytes', async () => {
    publish('@acme/templates', '1.0.0');
    publish('@acme/templates', '1.2.0', { ...TEMPLATE, 'files/README.md': 'more' });
    publish('@acme/templates', '2.0.0');
    const fetched = await fetchText('npm:@acme/templates@^1.0.0');
    expect(fetched.exact).toBe('npm:@acme/templates@1.2.0');
    expect(fetched.identity).toBe('npm:@acme/templates@^1.0.0');
    expect(fetched.resolved).toBe(registry.packages.get('@acme/templates')?.versions['1.2.0']?.dist.integrity);
    expect(fetched.files.map(({ path }) => path).sort()).toEqual(
      ['divvy.template.json', 'files/README.md', 'files/tasks/example-task.ts', 'package.json'].sort(),
    );
    const again = await fetchText(fetched.exact, knowing(), '/', fetched.resolved);
    expect(again.files).toEqual(fetched.files);
  });

  test('at its latest, in a folder of it', async () => {
    publish('several', '1.0.0', { 'backfill/divvy.template.json': '{}', 'other/a': 'x' });
    const { exact, files } = await fetchText('npm:several#backfill');
    expect([exact, files.map(({ path }) => path)]).toEqual(['npm:several@1.0.0#backfill', ['divvy.template.json']]);
    expect((await refusal(() => fetchText('npm:several#nowhere'))).message).toMatch(/has no folder/);
  });

  test('anew each time: a version that came meanwhile is seen', async () => {
    publish('moving', '1.0.0');
    const environment = knowing({ npm_config_prefer_offline: 'true' });
    expect((await fetchText('npm:moving', environment)).exact).toBe('npm:moving@1.0.0');
    publish('moving', '1.0.1');
    expect((await fetchText('npm:moving', environment)).exact).toBe('npm:moving@1.0.1');
    const offline = await refusal(() => fetchText('npm:moving', { ...environment, npm_config_offline: 'true' }));
    expect([offline.exitCode, offline.message]).toEqual([1, expect.stringMatching(/ENOTCACHED/)]);
  });

  test('and is not what it was, where its bytes were changed with what the registry says', async () => {
    publish('changing', '1.0.0');
    const { exact, resolved } = await fetchText('npm:changing');
    publish('changing', '1.0.0', { ...TEMPLATE, evil: 'x' });
    const { exitCode, message } = await refusal(() => fetchText(exact, knowing(), '/', resolved));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/no longer what it was/)]);
  });

  test('with the settings that an npm has left which started this', async () => {
    publish('plain', '1.0.0');
    const left = {
      npm_config_dry_run: 'true',
      npm_config_json: 'true',
      npm_config_global: 'true',
      npm_config_workspaces: 'true',
    };
    expect((await fetchText('npm:plain', knowing(left))).files).toHaveLength(3);
  });

  test('and nothing of it is left in the folder for temporary files, nor in the cache of npm', async () => {
    publish('plain', '1.0.0');
    const temporary = freshFolder();
    const cache = join(freshFolder(), 'cache');
    const environment = knowing({ npm_config_cache: cache });
    vi.stubEnv('TMPDIR', temporary);
    try {
      await fetchText('npm:plain', environment);
      await refusal(() => fetchText('npm:nowhere', environment));
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(cache)).toBe(false);
  });
});

describe('a registry that wants a token', () => {
  test.each([
    ['in ~/.npmrc', () => knowing()],
    [
      'for a scope, in the file that NPM_CONFIG_USERCONFIG names',
      () => {
        const file = join(freshFolder(), 'npmrc');
        const token = `${registry.url.replace('http:', '')}:_authToken=\${ACME_TOKEN}`;
        writeFileSync(file, `@acme:registry=${registry.url}\n${token}\n`);
        return somebody(['registry=http://127.0.0.1:9/'], { NPM_CONFIG_USERCONFIG: file, ACME_TOKEN: TOKEN });
      },
    ],
  ])('gets it: %s', async (_, environment) => {
    publish('@acme/private', '1.0.0');
    const fetched = await fetchText('npm:@acme/private', environment());
    expect(fetched.files).toHaveLength(3);
    expect(secretsIn(fetched)).toEqual([]);
  });

  test('and what refuses says that it is missing, and shows none', async () => {
    publish('@acme/private', '1.0.0');
    const others = somebody([
      `registry=${registry.url}`,
      `${registry.url.replace('http:', '')}:_authToken=npm_s3cr3tOther`,
    ]);
    const loud = { ...others, npm_config_loglevel: 'silly', npm_config_json: 'true' };
    for (const environment of [somebody([`registry=${registry.url}`]), others, loud]) {
      const { exitCode, message, remedy } = await refusal(() => fetchText('npm:@acme/private', environment));
      expect([exitCode, message]).toEqual([1, expect.stringMatching(/E401/)]);
      expect(remedy).toMatch(/npm login/);
      expect(secretsIn([message, remedy])).toEqual([]);
    }
  });

  test('nor those in the address of a registry', async () => {
    const environment = somebody([`registry=http://me:s3cr3tPassword@127.0.0.1:9/`, 'fetch-retries=0']);
    const { exitCode, message, remedy } = await refusal(() => fetchText('npm:@acme/private', environment));
    expect(exitCode).toBe(1);
    expect(secretsIn([message, remedy])).toEqual([]);
  });
});

describe('of a package', () => {
  test('no script runs, of whatever name', async () => {
    const marker = join(freshFolder(), 'ran');
    publish('scripts', '1.0.0', {
      ...TEMPLATE,
      'package.json': JSON.stringify({ scripts: scriptsThat(`touch ${marker}`), gypfile: true }),
      'binding.gyp': '{}',
    });
    // So does somebody's own setting for what they install.
    await fetchText(
      'npm:scripts',
      knowing({ npm_config_ignore_scripts: 'false', npm_config_foreground_scripts: 'true' }),
    );
    expect(existsSync(marker)).toBe(false);
  });

  test('bytes that are not those which the registry speaks of are refused', async () => {
    const path = publish('tampered', '1.0.0');
    registry.tarballs.set(path, tgz({ path: 'package/evil', text: 'x' }));
    // By itself npm fetches them six times, with a minute or more in between.
    const environment = somebody([
      `registry=${registry.url}`,
      `${registry.url.replace('http:', '')}:_authToken=${TOKEN}`,
    ]);
    const before = performance.now();
    const { exitCode, message } = await refusal(() => fetchText('npm:tampered', environment));
    expect(performance.now() - before).toBeLessThan(30_000);
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/not those that the registry speaks of/)]);
  });

  test('what an archive may not have is refused', async () => {
    const path = publish('linked', '1.0.0');
    const bytes = tgz({ path: 'package/a', type: 'SymbolicLink', linkpath: '/etc/passwd' });
    registry.tarballs.set(path, bytes);
    const dist = registry.packages.get('linked')?.versions['1.0.0']?.dist;
    if (dist) dist.integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const { exitCode, message } = await refusal(() => fetchText('npm:linked'));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/symbolic link/)]);
  });

  test('a repository that the registry names in place of an archive is not cloned', async () => {
    const marker = join(freshFolder(), 'ran');
    const folder = repositoryWith({
      'package.json': JSON.stringify({ name: 'cloned', version: '1.0.0', scripts: scriptsThat(`touch ${marker}`) }),
      '.npmrc': 'ignore-scripts=false\n',
    });
    publish('cloned', '1.0.0', TEMPLATE, { tarball: `git+file://${folder}` });
    delete registry.packages.get('cloned')?.versions['1.0.0']?.dist.integrity;
    expect((await refusal(() => fetchText('npm:cloned'))).exitCode).toBe(1);
    expect(existsSync(marker)).toBe(false);
  });

  test('a folder that the registry names in place of an archive runs nothing', async () => {
    const marker = join(freshFolder(), 'ran');
    const folder = repositoryWith({
      ...TEMPLATE,
      'package.json': JSON.stringify({ name: 'there', version: '1.0.0', scripts: scriptsThat(`touch ${marker}`) }),
    });
    publish('there', '1.0.0', TEMPLATE, { tarball: `file:${folder}` });
    delete registry.packages.get('there')?.versions['1.0.0']?.dist.integrity;
    const environment = knowing({ npm_config_ignore_scripts: 'false' });
    await fetchText('npm:there', environment).catch((error: unknown) => expect(error).toBeInstanceOf(Refusal));
    expect(existsSync(marker)).toBe(false);
  });

  test('there may be none', async () => {
    const { exitCode, message, remedy } = await refusal(() => fetchText('npm:@acme/nowhere@^1.0.0'));
    expect([exitCode, message]).toEqual([1, expect.stringMatching(/E404/)]);
    expect(remedy).toContain("npm config set @acme:registry=https://… --location=user. A project's .npmrc is not read");
  });

  test('none of this version', async () => {
    publish('plain', '1.0.0');
    expect((await refusal(() => fetchText('npm:plain@7'))).message).toMatch(/ETARGET/);
  });
});

describe('the .npmrc of a project', () => {
  /** A folder in one with these lines. */
  function projectWith(...lines: readonly string[]): string {
    const project = freshFolder();
    mkdirSync(join(project, 'packages/one'), { recursive: true });
    writeFileSync(join(project, 'package.json'), '{"workspaces":["packages/*"]}');
    writeFileSync(join(project, '.npmrc'), `${lines.join('\n')}\n`);
    return join(project, 'packages/one');
  }

  test.each([
    ['@acme/templates', ['; ours', '@acme:registry=http://127.0.0.1:9/'], 2, '@acme:registry=http://127.0.0.1:9/'],
    ['@acme/templates', [' registry = "http://me:s3cr3tPassword@127.0.0.1:9"'], 1, 'registry=http://127.0.0.1:9'],
    ['templates', ['@acme:registry=x', `registry=http://\${HOST_OF_OURS}:9/`], 2, 'registry=http://127.0.0.1:9/'],
  ])('is not read, and what it says of %s is not passed over: %j', async (name, lines, line, said) => {
    publish(name, '1.0.0');
    const cwd = projectWith(...lines);
    const environment = knowing({ HOST_OF_OURS: '127.0.0.1' });
    const { exitCode, message, remedy } = await refusal(() => fetchText(`npm:${name}`, environment, cwd));
    expect(exitCode).toBe(1);
    expect(message).toContain(`.npmrc:${line} says ${said}.`);
    expect(message).toContain(`so ${registry.url} would be asked`);
    expect(remedy).toContain(`npm config set ${said} --location=user`);
    expect(secretsIn([message, remedy])).toEqual([]);
    expect(registry.requests).toEqual([]);
  });

  const other = 'http://127.0.0.1:9/';
  test.each([
    [
      '.yarnrc.yml',
      `npmScopes:\n  acme: { npmRegistryServer: "${other}" }\n`,
      2,
      `npmScopes.acme.npmRegistryServer: ${other}`,
    ],
    ['.yarnrc.yml', `npmRegistryServer: \${OURS}\n`, 1, `npmRegistryServer: ${other}`],
    ['.yarnrc.yml', `npmRegistryServer: \${NOBODYS:-${other}}\n`, 1, `npmRegistryServer: ${other}`],
    ['.yarnrc', `registry "https://x/"\n"@acme:registry" "${other}"\n`, 2, `@acme:registry=${other}`],
    ['.yarnrc', `registry "https://x/"\nregistry ${other}\n`, 2, `registry=${other}`],
    [
      'pnpm-workspace.yaml',
      `registries:\n  default: https://x/\n  '@acme': ${other}\n`,
      3,
      `registries.@acme: ${other}`,
    ],
    ['bunfig.toml', `[install]\nregistry = { url = "${other}", token = "s3cr3t" }\n`, 2, `install.registry = ${other}`],
    ['bunfig.toml', `[install.scopes]\nacme = "${other}"\n`, 2, `install.scopes.acme = ${other}`],
    ['bunfig.toml', `[install.scopes."@acme"]\n# ours\nurl = "${other}"\n`, 3, `install.scopes.@acme = ${other}`],
  ])('nor is %s: %j', async (file, text, line, said) => {
    publish('@acme/templates', '1.0.0');
    // That the public registry is asked for all else does not hide it.
    const cwd = projectWith(`registry=${registry.url}`);
    writeFileSync(join(cwd, file), text);
    const environment = knowing({ OURS: other });
    const { exitCode, message, remedy } = await refusal(() => fetchText('npm:@acme/templates', environment, cwd));
    expect([exitCode, message]).toEqual([
      1,
      expect.stringContaining(`${file}:${line} says ${said}. A project's ${file} is`),
    ]);
    expect(remedy).toMatch(new RegExp(`npm config set (@acme:)?registry=${other} --location=user`));
    expect(secretsIn([message, remedy])).toEqual([]);
    expect(registry.requests).toEqual([]);
  });

  test('where one file names the registry that is asked, another one of the same folder is not passed over', async () => {
    publish('@acme/templates', '1.0.0');
    const cwd = join(projectWith(`registry=${registry.url}`), '../..');
    writeFileSync(join(cwd, '.yarnrc.yml'), `npmScopes:\n  acme:\n    npmRegistryServer: ${other}\n`);
    expect((await refusal(() => fetchText('npm:@acme/templates', knowing(), cwd))).message).toContain(
      '.yarnrc.yml:3 says',
    );
  });

  test.each([
    ['https://registry.npmjs.org', 'https://registry.yarnpkg.com/', true],
    ['https://registry.npmjs.org/npm', 'https://registry.yarnpkg.com/', false],
    ['http://registry.npmjs.org', 'https://registry.npmjs.org/', false],
  ])('%s and %s are one registry: %s', (one, other, isSame) => expect(isSameRegistry(one, other)).toBe(isSame));

  test.each([
    ['another scope', '@other:registry=http://127.0.0.1:9/', () => knowing()],
    ['nothing', '# @acme:registry=http://127.0.0.1:9/', () => knowing()],
    ['the registry that is asked', 'registry=REGISTRY', () => knowing()],
    ['that, with a comment behind it', 'registry=REGISTRY ; and no other', () => knowing()],
    [
      'another one than the person wants',
      '@acme:registry=http://127.0.0.1:9/',
      () => knowing({ 'npm_config_@acme:registry': registry.url }),
    ],
  ])('may speak of %s', async (_, line, environment) => {
    publish('@acme/templates', '1.0.0');
    const cwd = projectWith(line.replace('REGISTRY', registry.url.replace(/\/$/, '')));
    expect((await fetchText('npm:@acme/templates', environment(), cwd)).files).toHaveLength(3);
  });

  test('where what is fetched is kept meanwhile, is not read', async () => {
    publish('plain', '1.0.0');
    const temporary = projectWith('registry=http://127.0.0.1:9/', 'fetch-retries=0');
    const environment = knowing();
    vi.stubEnv('TMPDIR', temporary);
    try {
      expect((await fetchText('npm:plain', environment)).files).toHaveLength(3);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

test('a machine without npm says so', async () => {
  const { exitCode, message } = await refusal(() => fetchText('npm:plain', knowing({ PATH: freshFolder() })));
  expect([exitCode, message]).toEqual([1, expect.stringMatching(/npm is not on this machine/)]);
});
