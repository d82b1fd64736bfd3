// What somebody has said yes to is remembered, for exactly that.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { homeFolder, isTrusted, remember, type Trusted, trustFolder } from '../../../generators/sources/trust.ts';
import { freshFolder } from '../commands.ts';
import { started } from './together.ts';

const wanted: Trusted = {
  source: 'github:acme/templates',
  resolved: 'a'.repeat(40),
  template: 'backfill',
  permissions: { write: ['.github/workflows'], run: ['npm install'], code: true },
};

const fresh = (): string => join(freshFolder(), 'divvy', 'trust');
const fileIn = (folder: string): string => join(folder, readdirSync(folder)[0] ?? '');

describe('a yes', () => {
  test('counts from then on, for the same', () => {
    const folder = fresh();
    expect(isTrusted(folder, wanted)).toEqual({ isTrusted: false });
    expect(existsSync(folder)).toBe(false);
    expect(remember(folder, wanted)).toBeUndefined();
    expect(isTrusted(folder, wanted)).toEqual({ isTrusted: true });
    const { write, run, code } = wanted.permissions as Record<string, unknown>;
    const asManifest = { code, keys: undefined, run, write };
    expect(isTrusted(folder, { ...wanted, permissions: asManifest })).toEqual({ isTrusted: true });
    expect(remember(folder, { ...wanted, permissions: asManifest })).toBeUndefined();
    expect(isTrusted(folder, { ...wanted, permissions: asManifest })).toEqual({ isTrusted: true });
    expect(remember(folder, wanted)).toBeUndefined();
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test.each<[string, Partial<Trusted>]>([
    ['another source', { source: 'github:acme/templates2' }],
    ['a tag that was moved', { resolved: 'b'.repeat(40) }],
    ['another template of the source', { template: 'report' }],
    [
      'one permission more',
      { permissions: { write: ['.github/workflows', '.husky'], run: ['npm install'], code: true } },
    ],
    ['another kind of permission', { permissions: { ...(wanted.permissions as object), keys: ['bin'] } }],
    ['a permission that is another', { permissions: { write: ['.github'], run: ['npm install'], code: true } }],
    ['no permissions', { permissions: undefined }],
  ])('does not count for %s', (_, other) => {
    const folder = fresh();
    remember(folder, wanted);
    expect(isTrusted(folder, { ...wanted, ...other })).toEqual({ isTrusted: false });
  });

  test('is for its owner alone, and says for people what it is for', () => {
    const folder = fresh();
    remember(folder, wanted, new Date(0));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(fileIn(folder)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(fileIn(folder), 'utf8'))).toEqual({ ...wanted, at: '1970-01-01T00:00:00.000Z' });
  });

  test.each<[string, (file: string, folder: string) => void, RegExp]>([
    ['is cut off', (file) => writeFileSync(file, '{"source":'), /JSON/],
    ['is empty', (file) => writeFileSync(file, ''), /JSON/],
    ['is null', (file) => writeFileSync(file, 'null'), /./],
    ['is for another thing', (file) => writeFileSync(file, JSON.stringify({ ...wanted, source: 'x' })), /not say/],
    ['others may write', (file) => chmodSync(file, 0o666), /somebody else/],
    ['is in a folder that others may write', (_, folder) => chmodSync(folder, 0o777), /somebody else/],
  ])('does not count where its file %s, and that is said', (_, spoil, reason) => {
    const folder = fresh();
    remember(folder, wanted);
    spoil(fileIn(folder), folder);
    const file = fileIn(folder);
    const trust = isTrusted(folder, wanted);
    expect(trust).toEqual({ isTrusted: false, broken: expect.stringMatching(reason) });
    expect(trust).toHaveProperty('broken', expect.stringContaining(file));
    expect(remember(folder, wanted)).toBeUndefined();
    expect(isTrusted(folder, wanted)).toEqual({ isTrusted: true });
  });

  test('that cannot be remembered says why, and leaves nothing', () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'divvy'), 'a file');
    expect(remember(join(folder, 'divvy', 'trust'), wanted)).toMatch(/ENOTDIR|EEXIST/);
    const there = fresh();
    remember(there, wanted);
    const file = fileIn(there);
    rmSync(file);
    mkdirSync(file);
    expect(remember(there, wanted)).toMatch(/EISDIR|ENOTEMPTY|EPERM/);
    expect(readdirSync(there)).toEqual([basename(file)]);
  });
});

test('commands at the same time lose nothing of each other', async () => {
  const folder = fresh();
  const each = 25;
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => started('remember-many.ts', [folder, name, String(each)])));
  for (const name of ['a', 'b', 'c', 'd']) {
    for (let index = 0; index < each; index++) {
      expect(isTrusted(folder, { ...wanted, source: `${name}${index}` })).toEqual({ isTrusted: true });
    }
    expect(isTrusted(folder, wanted)).toEqual({ isTrusted: true });
  }
  expect(readdirSync(folder)).toHaveLength(4 * each + 1);
});

test.each([
  ['linux', {}, '/home/me/.config/divvy/trust'],
  ['linux', { XDG_CONFIG_HOME: '/elsewhere' }, '/elsewhere/divvy/trust'],
  ['linux', { XDG_CONFIG_HOME: 'relative' }, '/home/me/.config/divvy/trust'],
  ['linux', { XDG_CONFIG_HOME: '' }, '/home/me/.config/divvy/trust'],
  ['darwin', {}, '/home/me/Library/Preferences/divvy/trust'],
  ['darwin', { XDG_CONFIG_HOME: '/elsewhere' }, '/elsewhere/divvy/trust'],
  ['win32', { APPDATA: '/roaming' }, '/roaming/divvy/trust'],
  ['win32', { XDG_CONFIG_HOME: '/elsewhere' }, '/home/me/AppData/Roaming/divvy/trust'],
] as const)('it is in the folder that %s has for it, with %j', (platform, environment, folder) => {
  expect(trustFolder(environment, platform, '/home/me')).toBe(folder);
});

test.each(['', '.', 'relative'])('there is none where HOME is %j: a project could bring that folder', (home) => {
  vi.stubEnv('HOME', home);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(trustFolder({}, 'linux')).toBeUndefined();
  expect(trustFolder({ XDG_CONFIG_HOME: '/elsewhere' }, 'linux')).toBe('/elsewhere/divvy/trust');
  expect(isTrusted(undefined, wanted)).toEqual({ isTrusted: false });
  expect(remember(undefined, wanted)).toMatch(/no home folder/);
});

test('nor where the system knows no home of whoever runs this', () => {
  const unknown = () => {
    throw new Error('uv_os_homedir returned ENOENT');
  };
  expect(homeFolder(unknown)).toBeUndefined();
  expect(homeFolder(() => '/home/me')).toBe('/home/me');
});
