// What may be written as a source, and everything that must not be taken for one.
import { describe, expect, test } from 'vitest';
import { parseSource, withoutSecrets } from '../../../generators/sources/source.ts';
import { refusal } from './refusal.ts';

const SECRET = 's3cr3t';

describe('a source is told apart:', () => {
  test.each([
    ['./templates', { kind: 'folder', path: './templates' }],
    ['../templates/x', { kind: 'folder', path: '../templates/x' }],
    ['.', { kind: 'folder', path: '.' }],
    ['/srv/templates', { kind: 'folder', path: '/srv/templates' }],
    ['./with#sign', { kind: 'folder', path: './with#sign' }],
    ['templates.tgz', { kind: 'tarball', from: 'templates.tgz' }],
    ['./a/templates.tar.gz', { kind: 'tarball', from: './a/templates.tar.gz' }],
    ['/a/templates.tgz#sub/dir', { kind: 'tarball', from: '/a/templates.tgz', within: 'sub/dir' }],
    ['https://example.org/a.tgz', { kind: 'tarball', from: { url: 'https://example.org/a.tgz' } }],
    ['https://example.org:8080/a.tar.gz#b', { from: { url: 'https://example.org:8080/a.tar.gz' }, within: 'b' }],
    ['git+https://example.org/a/b.git', { kind: 'git', url: 'https://example.org/a/b.git' }],
    ['git+https://[::1]:8443/a.git#sub/dir/', { url: 'https://[::1]:8443/a.git', within: 'sub/dir' }],
    ['git+ssh://git@example.org/a/b.git', { kind: 'git', url: 'ssh://git@example.org/a/b.git' }],
    ['git+file:///srv/a', { kind: 'git', url: 'file:///srv/a' }],
    ['git:file:///srv/a.git', { kind: 'git', url: 'file:///srv/a.git', shown: 'git+file:///srv/a.git' }],
    ['file:///srv/a.git#sub', { kind: 'git', url: 'file:///srv/a.git', within: 'sub' }],
    ['git:https://example.org/a', { kind: 'git', url: 'https://example.org/a', shown: 'git+https://example.org/a' }],
    ['https://example.org/a.git#b', { kind: 'git', url: 'https://example.org/a.git', within: 'b' }],
    ['ssh://git@example.org:22/a.git', { kind: 'git', url: 'ssh://git@example.org:22/a.git' }],
    ['git@example.org:acme/tools.git', { kind: 'git', url: 'git@example.org:acme/tools.git' }],
    ['git+git@example.org:~me/tools#b', { kind: 'git', url: 'git@example.org:~me/tools', within: 'b' }],
    ['example.org:tools.git', { kind: 'git', url: 'example.org:tools.git' }],
    ['github:acme/tools', { kind: 'git', url: 'https://github.com/acme/tools.git', within: '' }],
    ['github:acme/.github/sub/dir', { url: 'https://github.com/acme/.github.git', within: 'sub/dir' }],
    ['github:acme/tools.git#sub', { url: 'https://github.com/acme/tools.git', within: 'sub' }],
    ['npm:templates', { kind: 'npm', name: 'templates', version: 'latest' }],
    ['npm:@acme/templates@^1.2.0', { kind: 'npm', name: '@acme/templates', version: '^1.2.0' }],
    ['npm:@acme/templates@next#sub', { name: '@acme/templates', version: 'next', within: 'sub' }],
    ['npm:a@1.2.3-beta.1+build', { name: 'a', version: '1.2.3-beta.1+build' }],
  ])('%s', (text, expected) => expect(parseSource(text)).toMatchObject(expected));

  test.each([
    './templates',
    '/a/templates.tgz#sub/dir',
    'https://example.org/a.tgz#sub',
    'git+https://example.org/a/b.git#sub/dir',
    'git+ssh://git@example.org/a/b.git',
    'git+file:///srv/a',
    'file:///srv/a.git',
    'git@example.org:acme/tools.git#sub',
    'git:https://example.org/a/b.git',
    'github:acme/tools/sub/dir',
    'npm:@acme/templates@^1.2.0#sub',
  ])('%s is shown so that it means the same', (text) => {
    const { shown } = parseSource(text);
    expect(parseSource(shown)).toEqual(parseSource(text));
  });
});

describe('credentials are used, and never shown:', () => {
  test.each([
    [`git+https://me:${SECRET}@example.org/a.git#sub`, 'git+https://example.org/a.git#sub'],
    [`git+https://${SECRET}@example.org/a.git`, 'git+https://example.org/a.git'],
    [`https://me:${SECRET}@example.org/a.tgz`, 'https://example.org/a.tgz'],
    [`https://me:${SECRET}@example.org/a.git`, 'git+https://example.org/a.git'],
    [`https://${SECRET}@example.org/a.tgz`, 'https://example.org/a.tgz'],
  ])('%s', (text, shown) => expect(parseSource(text).shown).toBe(shown));

  test('git gets no password in what it is called with', () => {
    const source = parseSource(`git+https://me:${encodeURIComponent('a b/@')}@example.org/a.git`);
    expect(source).toMatchObject({
      url: 'https://example.org/a.git',
      credentials: { username: 'me', password: 'a b/@' },
    });
  });

  test.each([
    `git+https://me:${SECRET}@example.org/a.git?x=1`,
    `git+https://me:${SECRET}@exa mple.org/a.git`,
    `git+https://me:${SECRET}/x@example.org/a.git`,
    `git+ssh://me:${SECRET}@example.org/a.git`,
    `git+http://me:${SECRET}@example.org/a.git`,
    `http://me:${SECRET}@example.org/a.tgz`,
    `https://me:${SECRET}@example.org/a.zip`,
    `https://me:${SECRET}@example.org/a.tgz#../x`,
    `ext::https://me:${SECRET}@example.org`,
    `http://me@example.org:${SECRET}@example.org/a.tgz`,
    `https:me:${SECRET}@example.org/a.tgz`,
    `git+https:///me:${SECRET}@example.org/a.git`,
    `npm:a@https://me:${SECRET}@example.org/x.tgz`,
  ])('not in what refuses %s', async (text) => {
    const { message, remedy } = await refusal(() => parseSource(text));
    expect(message + remedy).not.toContain(SECRET);
  });

  test('not in what another program says', () => {
    const credentials = { username: 'me', password: `${SECRET}/+` };
    for (const said of [`fatal: https://me:x@h/ and ${SECRET}/+`, `at ${encodeURIComponent(`${SECRET}/+`)}`]) {
      expect(withoutSecrets(said, credentials)).not.toMatch(/s3cr3t|me:x/);
    }
    expect(withoutSecrets('with me', { username: 'me', password: '' })).toBe('with …');
  });
});

describe('anything else is refused:', () => {
  test.each([
    // Options to what it is handed to.
    '--upload-pack=touch x',
    '-x.tgz',
    'git+--upload-pack=touch x',
    'git+ssh://-oProxyCommand=touch%20x/a',
    'git+ssh://-oProxyCommand=x@example.org/a',
    'git+https://-x/a.git',
    'npm:--registry=http://example.org',
    'npm:-x',
    'npm:a@--registry=x',
    'npm:a@-x',
    'github:-x/a',
    'github:acme/-x',
    // Transports that run commands, or are not for this.
    'ext::sh -c touch% x',
    'git+ext::sh -c touch% x',
    'git+ext://sh/a',
    'fd::17/x',
    'git+git://example.org/a',
    'git+http://example.org/a.git',
    'http://example.org/a.tgz',
    'ftp://example.org/a.tgz',
    'file:///srv/a.tgz',
    'data:,x.tgz',
    'C::x.tgz',
    // Other kinds of what npm takes.
    'npm:a@file:../x',
    'npm:a@https://example.org/x.tgz',
    'npm:a@git+ssh://example.org/x',
    'npm:a@npm:b@1',
    'npm:a@github:b/c',
    'npm:a@b/c',
    'npm:../x',
    'npm:/x',
    'npm:a/b',
    'npm:@/b',
    'npm:.x',
    'npm:',
    // What a shell would take for its own, as npm is a script of the shell on Windows.
    'npm:a@1 || 2',
    'npm:a@>1',
    'npm:a@1&calc',
    'npm:a@%PATH%',
    // Files that are not where they seem to be.
    'git+file://example.org/a',
    'git+file://./a',
    'git+file:a',
    'git+file:/a',
    'git+file:///a%2f..%2fb',
    'git+file:///a?x',
    'git+file:///a%00b',
    '~/templates',
    'templates',
    'acme/tools',
    '',
    // What is not what it looks like.
    'git+https://example.org/a\nb',
    'git+https://example.org/a\\b',
    'git+https://example.org\\@evil.org/a',
    'git+https://example.org/a%0ahost=evil.org',
    'git+https://us%0aer:x@example.org/a',
    'git+https://exam\u200bple.org/a',
    'git+https://example.org/',
    'git+https:///a',
    'git+https:///example.org/a.git',
    'git+https:example.org/a.git',
    'https:/example.org/a.tgz',
    'git+ssh://git@example.org:acme/tools.git',
    'git@example.org:',
    'git@example.org:-x',
    'git@-x:a',
    '-x@example.org:a',
    'git@example.org:a b',
    'gitlab:acme/tools',
    'git://example.org/a.git',
    './a\u202egpj.tgz',
    './a\u001b[2J',
    './a\0',
    './\ud800',
    'github:acme',
    'github:acme/..',
    'github:acme/tools/a#b',
    `./${'x'.repeat(2000)}`,
    // The folder within.
    'github:acme/tools/../x',
    'github:acme/tools#/etc',
    'npm:a#../x',
    'npm:a#.git',
    './a.tgz#a/../../b',
    './a.tgz#a\\b',
    'git+https://example.org/a#%2e%2e/x',
  ])('%j', async (text) => {
    const { exitCode, message, remedy } = await refusal(() => parseSource(text));
    expect(exitCode).toBe(2);
    expect(message).toMatch(/isn't a template source/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b\u202e\ud800]/u);
    expect(remedy).toContain('github:owner/repository');
  });
});
