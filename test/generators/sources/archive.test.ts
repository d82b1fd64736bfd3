// Archives, and everything that one could hold beside the files of a template.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArchive } from '../../../generators/sources/archive.ts';
import { LIMITS } from '../../../generators/sources/gathering.ts';
import { Refusal } from '../../../generators/terminal/refusal.ts';
import { cleanEnvironment, freshFolder } from '../commands.ts';
import { blockOf, END, type Entry, pax, tgz } from './archives.ts';
import { refusal } from './refusal.ts';

const SHOWN = './x.tgz';
const read = (bytes: Buffer) => readArchive(bytes, SHOWN);
const textsIn = async (bytes: Buffer) =>
  Object.fromEntries((await read(bytes)).map((file) => [file.path, file.bytes.toString('utf8')]));

describe('the files of an archive are read:', () => {
  test('with the folder around all of them left out, and in the order of their paths', async () => {
    const archive = tgz(
      { path: 'package/', type: 'Directory' },
      { path: 'package/b/c', text: 'two' },
      { path: 'package/a', text: 'one' },
    );
    expect(Object.entries(await textsIn(archive))).toEqual([
      ['a', 'one'],
      ['b/c', 'two'],
    ]);
  });

  test('where there is no such folder, and paths begin with ./', async () => {
    const archive = tgz({ path: './', type: 'Directory' }, { path: './a/b', text: 'one' }, { path: './c', text: '' });
    expect(await textsIn(archive)).toEqual({ 'a/b': 'one', c: '' });
  });

  test('by long names, and bytes that are no text', async () => {
    const path = `x/${'long'.repeat(40)}/${'name'.repeat(40)}`;
    const bytes = Buffer.from([0, 255, 10, 13, 195]);
    const archive = tgz(pax({ path }), { path: 'short', text: bytes }, { path: 'y/z' });
    expect(await read(archive)).toEqual([
      { path, bytes },
      { path: 'y/z', bytes: Buffer.alloc(0) },
    ]);
  });

  test('as git archive makes them', async () => {
    const archive = tgz(pax({ comment: 'a'.repeat(40) }, 'GlobalExtendedHeader'), { path: 'r/a', text: 'one' });
    expect(await textsIn(archive)).toEqual({ a: 'one' });
  });
});

describe('beside its templates an archive may have', () => {
  const TEMPLATE = [{ path: 'p/divvy.template.json', text: '{}' }, { path: 'p/files/a' }];
  test.each<[string, Entry]>([
    ['what template new has left there', { path: 'p/.divvy/last/record.json' }],
    ['what npm has installed', { path: 'p/node_modules/.bin/tsc', type: 'SymbolicLink', linkpath: '../x' }],
    ['a repository', { path: 'p/.git/HEAD' }],
    ['a link', { path: 'p/CLAUDE.md', type: 'SymbolicLink', linkpath: 'README.md' }],
    ['a pipe', { path: 'p/pipe', type: 'FIFO' }],
  ])('%s', async (_, beside) => {
    for (const entries of [
      [beside, ...TEMPLATE],
      [...TEMPLATE, beside],
    ])
      expect(Object.keys(await textsIn(tgz(...entries)))).toEqual(['divvy.template.json', 'files/a']);
    for (const part of ['files', 'tests']) {
      const path = beside.path.replace('p/', `p/${part}/`);
      expect((await refusal(() => read(tgz({ ...beside, path }, ...TEMPLATE)))).exitCode).toBe(3);
    }
  });

  test('and anywhere what systems and editors leave behind', async () => {
    const names = ['.DS_Store', 'Thumbs.db', 'desktop.ini', '._a', '.a.swp', 'a~', '#a#', '.#a'];
    const left = names.flatMap((name) => [{ path: `p/${name}` }, { path: `p/files/tasks/${name}` }]);
    expect(Object.keys(await textsIn(tgz(...left, ...TEMPLATE)))).toEqual(['divvy.template.json', 'files/a']);
  });
});

test('what GNU tar and git make is read, with names of every length', async () => {
  const folder = freshFolder();
  const names = ['a', 'n'.repeat(100), 'n'.repeat(101), 'n'.repeat(250), `${'f'.repeat(100)}/${'g'.repeat(150)}/ä`];
  for (const name of names) {
    mkdirSync(dirname(join(folder, 'p', name)), { recursive: true });
    writeFileSync(join(folder, 'p', name), `of ${name}`);
  }
  const wanted = Object.fromEntries(names.sort().map((name) => [name, `of ${name}`]));
  for (const format of ['gnu', 'oldgnu', 'pax']) {
    const made = execFileSync('tar', ['-czf', '-', `--format=${format}`, 'p'], { cwd: folder });
    expect(await textsIn(made), format).toEqual(wanted);
  }
  const made = execFileSync('tar', ['-czf', '-', '--format=ustar', 'a'], { cwd: join(folder, 'p') });
  expect(await textsIn(made)).toEqual({ a: 'of a' });
  const git = (...argv: string[]) => execFileSync('git', argv, { cwd: join(folder, 'p'), env: cleanEnvironment() });
  git('init', '-q');
  git('add', '.');
  git('-c', 'user.name=x', '-c', 'user.email=x@example.org', 'commit', '-qm', 'x');
  expect(await textsIn(git('archive', '--format=tar.gz', '--prefix=p/', 'HEAD'))).toEqual(wanted);
});

test('whatever bytes are changed, it is read or refused', async () => {
  const whole = Buffer.concat([
    ...[pax({ path: 'p/long' }), blockOf({ path: 'short', text: 'one' }), blockOf({ path: 'p/b', text: 'two' })],
    END,
  ]);
  const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), sums: fc.boolean(), cut: fc.nat(3000) });
  const property = fc.asyncProperty(change, async ({ at, byte, sums, cut }) => {
    const bytes = Buffer.from(whole.subarray(0, Math.max(512, whole.length - (cut < 1500 ? 0 : cut - 1500))));
    if (at < bytes.length) bytes[at] = byte;
    for (let block = 0; sums && block + 512 <= bytes.length; block += 512) putSumRight(bytes.subarray(block));
    try {
      await read(gzipSync(bytes, { level: 1 }));
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
  });
  await fc.assert(property, { numRuns: 500 });
});

/** Of one that is a header. */
function putSumRight(block: Buffer): void {
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.fill(' ', 148, 156);
  const sum = block.subarray(0, 512).reduce((left, byte) => left + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

describe('what is refused in an archive:', () => {
  const fine: Entry = { path: 'p/fine', text: 'fine' };
  test.each<[string, readonly (Entry | Buffer)[], RegExp]>([
    ['..', [{ path: 'p/../../x' }], /leaves the folder/],
    ['.. at the front', [{ path: '../x' }], /leaves the folder/],
    ['.. as a folder', [{ path: 'p/../', type: 'Directory' }], /leaves the folder/],
    ['.. behind ./', [{ path: './../x' }], /leaves the folder/],
    ['.. by a header behind the name', [pax({ path: '../x' }), { path: 'p/a' }], /leaves the folder/],
    [
      '.. by a long name of GNU tar',
      [blockOf({ path: '././@LongLink', type: 'NextFileHasLongPath', text: '../x\0' }), { path: 'p/a' }],
      /leaves the folder/,
    ],
    ['an absolute path', [{ path: '/etc/passwd' }], /leaves the folder/],
    ['a drive', [{ path: 'C:/x' }], /character/],
    ['backslashes', [{ path: 'p\\..\\..\\x' }], /character/],
    ['an encoded ..', [{ path: 'p/%2e%2e/x' }], /encoded/],
    ['wide dots', [{ path: 'p/\uff0e\uff0e/x' }], /leaves the folder/],
    ['a control character', [{ path: 'p/a\u001b[2J' }], /character/],
    ['a name that is no UTF-8', [rawName('p/\xff\xfe')], /not text/],
    ['.git', [{ path: 'p/.git/hooks/pre-commit' }], /another program/],
    ['.git in another spelling', [{ path: 'p/.G\u200cIT/config' }], /another program/],
    ['node_modules', [{ path: 'p/node_modules/x/index.js' }], /another program/],
    ['a name that is too long', [pax({ path: `p/${'x'.repeat(256)}` }), { path: 'p/a' }], /longer than 255/],
    ['a path that is too long', [pax({ path: `p/${'xyz/'.repeat(200)}a` }), { path: 'p/a' }], /longer than 700/],
    ['folders too deep', [pax({ path: `${'a/'.repeat(LIMITS.depth)}a` }), { path: 'p/a' }], /folders/],
    ['a symbolic link', [{ path: 'p/a', type: 'SymbolicLink', linkpath: 'fine' }], /symbolic link/],
    ['a hard link', [{ path: 'p/a', type: 'Link', linkpath: 'p/fine' }], /hard link/],
    ['a character device', [{ path: 'p/a', type: 'CharacterDevice' }], /device/],
    ['a block device', [{ path: 'p/a', type: 'BlockDevice' }], /device/],
    ['a pipe', [{ path: 'p/a', type: 'FIFO' }], /pipe/],
    ['a folder of GNU dumps', [{ path: 'p/a', type: 'GNUDumpDir' }], /GNUDumpDir/],
    ['a kind that nobody knows', [ofKind('p/a', 'Z')], /unknown kind/],
    ['a sparse file of GNU tar', [ofKind('p/a', 'S')], /unknown kind/],
    [
      'a size that is no number',
      [changed(blockOf({ path: 'p/a' }), (block) => block.fill(0x80, 124, 136))],
      /not an archive that can be read/,
    ],
    ['a size by a header behind the name', [pax({ size: '99999999999' }), { path: 'p/a' }], /larger than/],
    ['a file that is a link too', [{ path: 'p/a', linkpath: 'p/fine' }], /it is a link/],
    ['the same twice', [{ path: 'p/a' }, { path: 'p/a' }], /twice/],
    ['the same twice, once with ./', [{ path: 'p/a' }, { path: './p/a' }], /twice/],
    ['the same in another case', [{ path: 'p/a' }, { path: 'p/A' }], /same as p\/a/],
    ['a folder in another case', [{ path: 'p/b/c' }, { path: 'p/B/d' }], /same as p\/b/],
    ['the same in another form of Unicode', [{ path: 'p/\u00fc' }, { path: 'p/u\u0308' }], /same as/],
    ['a file and a folder', [{ path: 'p/a' }, { path: 'p/a/b' }], /file and a folder/],
    ['a folder, then a file', [{ path: 'p/a/', type: 'Directory' }, { path: 'p/a' }], /file and a folder/],
  ])('%s', async (_, entries, reason) => {
    const { exitCode, message } = await refusal(() => read(tgz(fine, ...entries, { path: 'p/last' })));
    expect(exitCode).toBe(3);
    expect(message).toContain(SHOWN);
    expect(message).toMatch(reason);
  });

  /** A header with another byte in it, and its sum put right. */
  function changed(block: Buffer, change: (block: Buffer) => void): Buffer {
    change(block);
    putSumRight(block);
    return block;
  }
  function ofKind(path: string, kind: string): Buffer {
    return changed(blockOf({ path }), (block) => block.write(kind, 156, 'latin1'));
  }
  function rawName(name: string): Buffer {
    return changed(blockOf({ path: 'x' }), (block) => block.write(name, 0, 'latin1'));
  }
});

describe('there is an end to', () => {
  const zeros = (size: number) => Buffer.alloc(size);

  test('what a small archive unpacks to', async () => {
    const bomb = gzipSync(zeros(100 * 1024 * 1024), { level: 1 });
    expect(bomb.length).toBeLessThan(LIMITS.archiveBytes);
    expect((await refusal(() => read(bomb))).message).toMatch(/unpacks to more/);
  });

  test('what is compressed twice', async () => {
    const inner = tgz({ path: 'p/a', text: 'one' });
    const { message } = await refusal(() => read(gzipSync(Buffer.concat([inner, zeros(1024)]))));
    expect(message).toMatch(/no tar archive/);
  });

  test('what is compressed twice and looks like an archive too', async () => {
    // A field of the inner header that may hold anything, so long that the mark of a tar archive is in it.
    const inner = tgz({ path: 'p/a', text: 'one' });
    const named = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
      Buffer.from(`${'x'.repeat(247)}ustar\0`),
      inner.subarray(10),
    ]);
    expect(named.toString('latin1', 257, 262)).toBe('ustar');
    expect((await refusal(() => read(gzipSync(named)))).message).toMatch(/not an archive that can be read/);
  });

  test('the size of a file', async () => {
    const { message } = await refusal(() => read(tgz({ path: 'p/a', text: zeros(LIMITS.fileBytes + 1) })));
    expect(message).toMatch(/"?p\/a"? is larger than 8 MiB/);
  });

  test('the size that a header speaks of', async () => {
    const { message } = await refusal(() => read(tgz({ path: 'p/a', size: 8 * 1024 ** 3 - 1 })));
    expect(message).toMatch(/larger than 8 MiB/);
  });

  test('the size of all files', async () => {
    const text = zeros(LIMITS.fileBytes);
    const files = Array.from({ length: LIMITS.bytes / LIMITS.fileBytes + 1 }, (_, index) => ({
      path: `p/${index}`,
      text,
    }));
    expect((await refusal(() => read(tgz(...files)))).message).toMatch(/all files together are larger than 64 MiB/);
  });

  test.each([['File'], ['Directory']] as const)('the number of entries of the kind %s', async (type) => {
    const entries = Array.from({ length: LIMITS.entries + 1 }, (_, index) => ({ path: `p/${index}`, type }));
    expect((await refusal(() => read(tgz(...entries)))).message).toMatch(/more than 10000 files and folders/);
  });

  test('the same folder named again and again', async () => {
    const entry = blockOf({ path: './', type: 'Directory' });
    const again = Array.from({ length: LIMITS.entries + 1 }, () => entry);
    expect((await refusal(() => read(tgz(...again)))).message).toMatch(/more than 10000 files and folders/);
  });

  test('what a header says beside', async () => {
    const { message } = await refusal(() => read(tgz(pax({ path: 'x'.repeat(100_000) }), { path: 'p/a' })));
    expect(message).toMatch(/it says more of a file than a name can be/);
  });
});

describe('no archive that can be read is', () => {
  test.each([
    ['an empty file', Buffer.alloc(0)],
    ['text', Buffer.from('<!doctype html>')],
    ['an archive that is not compressed', Buffer.concat([blockOf({ path: 'p/a' }), END])],
    ['compressed text', gzipSync('<!doctype html>'.repeat(100))],
    ['one cut off in what is compressed', tgz({ path: 'p/a', text: 'text' }).subarray(0, -10)],
    ['one cut off in a file', gzipSync(blockOf({ path: 'p/a', text: 'x'.repeat(2000) }).subarray(0, 1024))],
    ['one with a sum that is wrong', gzipSync(Buffer.concat([wrongSum(), END]))],
    ['one that is damaged', damaged()],
    ['one with nothing in it', gzipSync(END)],
    [
      'one cut off in a header',
      gzipSync(Buffer.concat([blockOf({ path: 'p/a' }), blockOf({ path: 'p/b' })]).subarray(0, 900)),
    ],
    ['one with a header that names nothing', gzipSync(Buffer.concat([blockOf({ path: '' }), END]))],
  ])('%s', async (_, bytes) => {
    const { exitCode, message } = await refusal(() => read(bytes));
    expect(exitCode).toBe(3);
    expect(message).toMatch(/is not an archive that can be read/);
  });

  function wrongSum(): Buffer {
    const block = blockOf({ path: 'p/a' });
    block[0] = 0x71;
    return block;
  }
  function damaged(): Buffer {
    const bytes = tgz({ path: 'p/a', text: 'x'.repeat(5000) });
    const at = Math.floor(bytes.length / 2);
    bytes.fill(0xff, at, at + 4);
    return bytes;
  }
});
