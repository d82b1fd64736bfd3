// Real repositories, as real git hands them out; and what must not happen on the way.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import type { Fetched } from '../../../generators/sources/fetch.ts';
import { LIMITS } from '../../../generators/sources/gathering.ts';
import { readRepository } from '../../../generators/sources/git.ts';
import { freshFolder } from '../commands.ts';
import { git } from '../project.ts';
import { TEMPLATE } from './archives.ts';
import { fetchText, type Options } from './fetch-text.ts';
import { answerAsGit, certificateFile, serve } from './https.ts';
import { refusal } from './refusal.ts';
import { commit, commitTree, program, repositoryWith, settings, writeBlob, writeTree } from './repositories.ts';

const fetchFrom = (folder: string, options?: Options, within = ''): Promise<Fetched> =>
  fetchText(`git+${pathToFileURL(folder).href}${within}`, options);
const pathsOf = ({ files }: Fetched): string[] => files.map(({ path }) => path);
const textOf = ({ files }: Fetched, path: string): string | undefined =>
  files.find((file) => file.path === path)?.bytes.toString('utf8');

describe('a repository is read', () => {
  test('at what it has checked out, and resolved to its commit', async () => {
    const folder = repositoryWith();
    const fetched = await fetchFrom(folder);
    expect(fetched.resolved).toBe(git(folder, 'rev-parse', 'HEAD').trim());
    expect(Object.fromEntries(fetched.files.map(({ path, bytes }) => [path, bytes.toString('utf8')]))).toEqual(
      TEMPLATE,
    );
  });

  test('at a branch, a tag, a tag with a message, and a commit that is no longer the last', async () => {
    const folder = repositoryWith({ a: 'first' });
    const first = git(folder, 'rev-parse', 'HEAD').trim();
    git(folder, 'tag', 'light');
    git(folder, 'tag', '--annotate', '-m', 'said', 'v1.0.0');
    const second = commit(folder, { a: 'second' });
    git(folder, 'branch', 'feature/x');
    const third = commit(folder, { a: 'third' });
    for (const [ref, resolved, text] of [
      ['main', third, 'third'],
      ['feature/x', second, 'second'],
      ['refs/heads/feature/x', second, 'second'],
      ['light', first, 'first'],
      ['v1.0.0', first, 'first'],
      ['refs/tags/v1.0.0', first, 'first'],
      [second, second, 'second'],
    ] as const) {
      const fetched = await fetchFrom(folder, { ref });
      expect([ref, fetched.resolved, textOf(fetched, 'a')]).toEqual([ref, resolved, text]);
    }
  });

  test('at a commit that the server hands out with its branch only', async () => {
    const folder = repositoryWith({ a: 'first' });
    const first = git(folder, 'rev-parse', 'HEAD').trim();
    commit(folder, { a: 'second' });
    // So does a server of an older kind.
    const environment = settings({ 'protocol.version': '0' });
    expect(textOf(await fetchFrom(folder, { ref: first, environment }), 'a')).toBe('first');
    const elsewhere = 'a'.repeat(40);
    const { exitCode, message } = await refusal(() => fetchFrom(folder, { ref: elsewhere, environment }));
    expect([exitCode, message]).toEqual([2, expect.stringMatching(/no branch and no tag has this commit/)]);
  });

  test('below a folder, whatever is beside it', async () => {
    const folder = repositoryWith({ 'a/b/file': 'in it', 'a/bc': 'beside' });
    const link = writeTree(folder, [
      { mode: '40000', name: 'a', id: git(folder, 'rev-parse', 'HEAD:a').trim() },
      { mode: '120000', name: 'link', id: writeBlob(folder, '/etc/passwd') },
    ]);
    commitTree(folder, link);
    expect(pathsOf(await fetchFrom(folder, {}, '#a/b'))).toEqual(['file']);
    expect((await refusal(() => fetchFrom(folder))).message).toMatch(/"link": it is a symbolic link/);
  });

  test.each(['nowhere', 'a/file', 'a/link'])('and has no folder %s', async (within) => {
    const folder = repositoryWith({ 'a/file': 'x' });
    const { exitCode, message, remedy } = await refusal(() => fetchFrom(folder, {}, `#${within}`));
    expect([exitCode, message]).toEqual([2, expect.stringMatching(/has no folder/)]);
    expect(remedy).toContain('--ref');
  });

  test('again as it was, though its branch has moved on', async () => {
    const folder = repositoryWith({ a: 'first' });
    const { exact, resolved } = await fetchFrom(folder);
    commit(folder, { a: 'second' });
    expect(textOf(await fetchText(exact, { expected: resolved }), 'a')).toBe('first');
  });

  test('with its bytes as they are committed: no setting and no attribute changes them', async () => {
    const marker = join(freshFolder(), 'ran');
    const smudge = program(`touch ${marker}; tr a-z A-Z`);
    const folder = repositoryWith({ '.gitattributes': '* filter=evil\n* text eol=crlf\n', a: 'one\ntwo\n' });
    const environment = settings({
      'filter.evil.smudge': smudge,
      'filter.evil.required': 'true',
      'core.autocrlf': 'true',
    });
    expect(textOf(await fetchFrom(folder, { environment }), 'a')).toBe('one\ntwo\n');
    expect(existsSync(marker)).toBe(false);
  });

  test('and nothing of it is left in the folder for temporary files', async () => {
    const temporary = freshFolder();
    const folder = repositoryWith();
    const environment = settings({});
    vi.stubEnv('TMPDIR', temporary);
    try {
      await fetchFrom(folder, { environment });
      await refusal(() => fetchFrom(`${folder}/nowhere`, { environment }));
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(temporary)).toEqual([]);
  });
});

test('beside its templates a repository may have what no template may, and it is not read', async () => {
  const folder = repositoryWith({ 'a/divvy.template.json': '{}', 'a/files/x': 'x', large: 'x'.repeat(9 * 1024 ** 2) });
  const here = { mode: '40000', name: 'a', id: git(folder, 'rev-parse', 'HEAD:a').trim() };
  const large = { mode: '100644', name: 'large', id: git(folder, 'rev-parse', 'HEAD:large').trim() };
  const beside = [
    { mode: '120000', name: 'link', id: writeBlob(folder, 'a') },
    { mode: '160000', name: 'module', id: 'b'.repeat(40) },
  ];
  commitTree(folder, writeTree(folder, [here, large, ...beside]));
  const fetched = await fetchFrom(folder);
  expect(pathsOf(fetched)).toEqual(['a/divvy.template.json', 'a/files/x']);

  const link = { mode: '120000', name: 'files', id: writeBlob(folder, 'elsewhere') };
  const manifest = { mode: '100644', name: 'divvy.template.json', id: writeBlob(folder, '{}') };
  commitTree(folder, writeTree(folder, [link, manifest].reverse()));
  expect((await refusal(() => fetchFrom(folder))).message).toMatch(/"files": it is a symbolic link/);
});

test('of a large repository only the files come that a template uses', async () => {
  const noise = Array.from({ length: 2 * 1024 ** 2 }, (_, index) => Math.imul(index, 2_654_435_761) >>> 24);
  const folder = repositoryWith({ ...TEMPLATE, 'docs/file': Buffer.from(noise).toString('latin1') });
  git(folder, 'config', 'uploadpack.allowFilter', 'true');
  const sent = new Map<Socket, number>();
  const host = await serve((request, response) => {
    response.on('close', () => sent.set(request.socket, request.socket.bytesWritten));
    answerAsGit(folder, request, response);
  });
  const environment = settings({}, { GIT_SSL_CAINFO: certificateFile });
  const fetched = await fetchText(`git+https://${host}/.git`, { environment });
  expect(Object.fromEntries(fetched.files.map(({ path, bytes }) => [path, bytes.toString('utf8')]))).toEqual(TEMPLATE);
  const bytes = [...sent.values()].reduce((sum, each) => sum + each, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(100_000);
});

describe('what is in a tree is refused:', () => {
  const at = (mode: string, name: string) => (folder: string) =>
    writeTree(folder, [{ mode, name, id: writeBlob(folder, 'x') }]);
  const below = (name: string) => (folder: string) =>
    writeTree(folder, [{ mode: '40000', name, id: at('100644', 'x')(folder) }]);

  test.each<[string, (folder: string) => string, RegExp]>([
    ['a symbolic link', at('120000', 'a'), /symbolic link/],
    ['a submodule', (folder) => writeTree(folder, [{ mode: '160000', name: 'a', id: 'b'.repeat(40) }]), /submodule/],
    ['..', below('..'), /leaves the folder/],
    ['a slash in a name', at('100644', '../x'), /leaves the folder/],
    ['a backslash in a name', at('100644', '..\\x'), /character/],
    ['.git', below('.git'), /another program/],
    ['.git in another spelling', below('.GiT'), /another program/],
    ['.git, short for Windows', below('git~1'), /another program/],
    ['node_modules', below('node_modules'), /another program/],
    ['an escape sequence', at('100644', 'a\u001b[2J'), /character/],
    ['a line end', at('100644', 'a\nb'), /character/],
    ['a name that is no UTF-8', at('100644', 'a\xff'), /not text/],
    ['a name that is too long', at('100644', 'x'.repeat(256)), /longer than 255/],
    [
      'the same in another case',
      (folder) =>
        writeTree(
          folder,
          ['A', 'a'].map((name) => ({ mode: '100644', name, id: writeBlob(folder, name) })),
        ),
      /same as/,
    ],
    [
      'a pointer to Git LFS',
      (folder) => writeTree(folder, [{ mode: '100644', name: 'a', id: lfs(folder) }]),
      /Git LFS/,
    ],
  ])('%s', async (_, make, reason) => {
    const folder = repositoryWith();
    commitTree(folder, make(folder));
    const { exitCode, message } = await refusal(() => fetchFrom(folder));
    expect(exitCode).toBe(3);
    expect(message).toMatch(reason);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  const lfs = (folder: string) =>
    writeBlob(folder, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');

  test('a few objects that are millions of files', async () => {
    const folder = repositoryWith();
    let mode = '100644';
    let id = writeBlob(folder, 'x');
    for (let depth = 0; depth < 8; depth++) {
      const entry = { mode, id };
      id = writeTree(
        folder,
        [...'0123456789'].map((name) => ({ ...entry, name })),
      );
      mode = '40000';
    }
    commitTree(folder, id);
    const { exitCode, message } = await refusal(() => fetchFrom(folder));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/more than 10000 files/)]);
  });

  test('a file that is too large', async () => {
    const folder = repositoryWith({ a: 'x'.repeat(LIMITS.fileBytes + 1) });
    const { exitCode, message } = await refusal(() => fetchFrom(folder));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/larger than 8 MiB/)]);
  });
});

describe('--ref is refused, and nothing is done with it:', () => {
  test.each([
    '--upload-pack=touch PWN',
    '--orphan=evil',
    '-x',
    '',
    'a b',
    'a..b',
    'main~1',
    'main^{tree}',
    'main:refs/heads/x',
    '@{-1}',
    '@',
    'refs/heads/*',
    '.hidden',
    'a/.b',
    'a//b',
    'a.lock',
    '/main',
    'main/',
    'a\nb',
    'a\u001b[2J',
    'x'.repeat(251),
  ])('%j', async (ref) => {
    // Before git is asked, which there is none of here.
    const environment = settings({}, { PATH: freshFolder() });
    const { exitCode, message } = await refusal(() => fetchText('git+file:///x', { ref, environment }));
    expect([exitCode, message]).toEqual([
      2,
      expect.stringMatching(/^--ref .*(cannot be the name|1 to 250 characters)/),
    ]);
  });

  test.each(['nowhere', 'refs/heads/nowhere', 'abcdef1', '+main'])('%s, which is not there', async (ref) => {
    const { exitCode, message } = await refusal(() => fetchFrom(repositoryWith(), { ref }));
    expect([exitCode, message]).toEqual([2, expect.stringMatching(/^--ref .*no such branch or tag/)]);
  });

  test('a name that is a branch and a tag', async () => {
    const folder = repositoryWith({ a: 'branch' });
    git(folder, 'branch', 'twice');
    commit(folder, { a: 'tag' });
    git(folder, 'tag', 'twice');
    const { message } = await refusal(() => fetchFrom(folder, { ref: 'twice' }));
    expect(message).toMatch(/it is a branch and a tag: write refs\/heads\/twice or refs\/tags\/twice/);
    expect(textOf(await fetchFrom(folder, { ref: 'refs/tags/twice' }), 'a')).toBe('tag');
  });

  test.each(['./x', 'npm:x', 'https://example.org/x.tgz'])('of %s', async (text) => {
    const { exitCode, message } = await refusal(() => fetchText(text, { ref: 'main' }));
    expect([exitCode, message]).toEqual([2, expect.stringMatching(/only a source in git has refs/)]);
  });
});

describe('nothing is run that is not git itself:', () => {
  const marker = (): { file: string; touch: string } => {
    const file = join(freshFolder(), 'ran');
    return { file, touch: program(`touch ${file}`) };
  };

  test('no option that is where an address should be', async () => {
    const { file } = marker();
    const ssh = program('for last; do :; done; eval "$last"');
    const source = { kind: 'git', url: `--upload-pack=touch ${file};`, shown: 'x', within: '' } as const;
    for (const ref of [undefined, 'main', 'a'.repeat(40)]) {
      await refusal(() => readRepository(source, ref, settings({}, { GIT_SSH_COMMAND: ssh })));
    }
    expect(existsSync(file)).toBe(false);
  });

  test('no hook, of the repository or of the person', async () => {
    const { file } = marker();
    const folder = repositoryWith();
    const hooks = freshFolder();
    const templates = freshFolder();
    for (const name of [
      'reference-transaction',
      'post-checkout',
      'post-upload-pack',
      'post-index-change',
      'pre-auto-gc',
    ]) {
      for (const place of [hooks, join(folder, '.git/hooks')]) {
        writeFileSync(join(place, name), `#!/bin/sh\ntouch ${file}\n`, { mode: 0o755 });
      }
    }
    const environment = settings({ 'core.hooksPath': hooks, 'init.templateDir': templates });
    await fetchFrom(folder, { environment });
    expect(existsSync(file)).toBe(false);
  });

  test('nothing that the settings of the repository name', async () => {
    const { file, touch } = marker();
    const folder = repositoryWith();
    for (const name of [
      'uploadpack.packObjectsHook',
      'core.fsmonitor',
      'core.sshCommand',
      'core.gitProxy',
      'diff.external',
    ]) {
      git(folder, 'config', name, touch);
    }
    await fetchFrom(folder);
    expect(existsSync(file)).toBe(false);
  });

  test('no transport that is a command, though a setting leads to it', async () => {
    const { file, touch } = marker();
    const folder = repositoryWith();
    const environment = settings({ [`url.ext::${touch} .insteadOf`]: 'file:///', 'protocol.ext.allow': 'always' });
    const { exitCode } = await refusal(() => fetchFrom(folder, { environment }));
    expect(exitCode).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  test('nothing for a submodule, though a setting wants them', async () => {
    const { file, touch } = marker();
    const folder = repositoryWith({ a: 'x', 'a.d/.gitmodules': 'x' });
    const modules = `[submodule "x"]\n\tpath = x\n\turl = ext::${touch}\n\tupdate = !${touch}\n`;
    commitTree(
      folder,
      writeTree(folder, [
        { mode: '100644', name: '.gitmodules', id: writeBlob(folder, modules) },
        { mode: '160000', name: 'x', id: 'b'.repeat(40) },
      ]),
    );
    const environment = settings({ 'submodule.recurse': 'true', 'fetch.recurseSubmodules': 'true' });
    expect((await refusal(() => fetchFrom(folder, { environment }))).message).toMatch(/submodule/);
    expect(existsSync(file)).toBe(false);
  });

  test('no other repository, though a git hook that started this names one', async () => {
    const folder = repositoryWith({ a: 'asked for' });
    const other = repositoryWith({ a: 'another' });
    const before = git(other, 'for-each-ref');
    const GIT_DIR = join(other, '.git');
    const extra = {
      GIT_DIR,
      GIT_WORK_TREE: other,
      GIT_INDEX_FILE: join(GIT_DIR, 'index'),
      GIT_QUARANTINE_PATH: GIT_DIR,
    };
    const environment = settings({}, { ...extra, GIT_OBJECT_DIRECTORY: join(GIT_DIR, 'objects') });
    expect(textOf(await fetchFrom(folder, { environment }), 'a')).toBe('asked for');
    expect(git(other, 'for-each-ref')).toBe(before);
  });
});

test('a person who makes repositories of another kind can use a usual one', async () => {
  const environment = settings({ 'init.defaultObjectFormat': 'sha256' }, { GIT_DEFAULT_HASH: 'sha256' });
  expect((await fetchFrom(repositoryWith(), { environment })).files).toHaveLength(2);
});

test('a machine without git says so', async () => {
  const environment = settings({}, { PATH: freshFolder() });
  const { exitCode, message } = await refusal(() => fetchText('git+https://example.org/a', { environment }));
  expect([exitCode, message]).toEqual([1, expect.stringMatching(/git is not on this machine/)]);
});
