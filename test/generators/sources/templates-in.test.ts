// Which templates a source has, and manifests that cannot be used.
import { describe, expect, test } from 'vitest';
import { templatesIn as found, pickTemplate } from '../../../generators/sources/templates-in.ts';
import { MANIFEST, TEMPLATE } from './archives.ts';
import { refusal } from './refusal.ts';

const SHOWN = 'npm:@acme/templates@1.0.0';
const manifest = (fields: object): string => JSON.stringify({ ...MANIFEST, ...fields });
const templatesIn = (files: Readonly<Record<string, string | Buffer>>) =>
  found(
    Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
    SHOWN,
  );
const pick = async (files: Readonly<Record<string, string | Buffer>>, name?: string) =>
  pickTemplate(await templatesIn(files), name, SHOWN);

const SEVERAL = {
  'README.md': 'x',
  'templates/backfill/divvy.template.json': manifest({}),
  'templates/backfill/files/a': 'a',
  'templates/report/divvy.template.json': manifest({ name: 'report' }),
  'templates/report-old/divvy.template.json': '{',
};

describe('a template is found', () => {
  test('that is the source itself, and needs no name', async () => {
    const { folder, manifest: read, files } = await pick(TEMPLATE);
    expect([folder, read, files.map(({ path }) => path)]).toEqual(['', MANIFEST, Object.keys(TEMPLATE)]);
  });

  test('among several, by its name, with its own files', async () => {
    const { folder, files } = await pick(SEVERAL, 'backfill');
    expect([folder, files.map(({ path }) => path)]).toEqual(['templates/backfill', ['divvy.template.json', 'files/a']]);
    expect((await pick(SEVERAL, 'report')).manifest.name).toBe('report');
  });

  test('but not among what another one hands on', async () => {
    const files = { ...TEMPLATE, 'files/inner/divvy.template.json': manifest({ name: 'inner' }) };
    expect(await templatesIn(files)).toHaveLength(1);
  });
});

describe('there is none that is meant:', () => {
  test.each<[string, Readonly<Record<string, string>>, string | undefined, RegExp]>([
    ['none at all', { 'README.md': 'x', 'my-divvy.template.json': '{}' }, undefined, /has no template: no folder/],
    [
      'none of this name',
      SEVERAL,
      'reports',
      /has no template "reports".*Did you mean report\? There are: backfill, report/s,
    ],
    [
      'several, and no name',
      SEVERAL,
      undefined,
      /several templates.*templates\/backfill: backfill\n.*report-old cannot be/s,
    ],
    [
      'several of this name',
      { 'a/divvy.template.json': manifest({}), 'b/divvy.template.json': manifest({}) },
      'backfill',
      /several templates.*a: backfill\n.*b: backfill/s,
    ],
  ])('%s', async (_, files, name, said) => {
    const { exitCode, message, remedy } = await refusal(() => pick(files, name));
    expect(exitCode).toBe(2);
    expect(`${message} ${remedy}`).toMatch(said);
  });
});

describe('a manifest is refused', () => {
  test.each<[string, string | Buffer, RegExp]>([
    ['that is no JSON', '{', /JSON/],
    ['that is no object', '[]', /must be object/],
    ['that is no UTF-8', Buffer.from([0x22, 0xff, 0x22]), /encoded|utf-8/i],
    ['with a byte order mark, and nothing else', '\ufeff', /JSON/],
    ['with a key that nobody knows', manifest({ hook: 'x' }), /additional/],
    ['without a name', JSON.stringify({ ...MANIFEST, name: undefined }), /name/],
    ['with a name that is a path', manifest({ name: '../x' }), /name must match/],
    ['of another version', manifest({ schemaVersion: 2 }), /schemaVersion/],
    ['with an escape sequence', manifest({ description: '\u001b[2J' }), /description must match/],
    ['with __proto__', `${manifest({}).slice(0, -1)},"__proto__":{"x":1}}`, /may be called __proto__/],
    ['with __proto__ further in', `${manifest({}).slice(0, -1)},"dependencies":{"__proto__":"1.0.0"}}`, /__proto__/],
    ['with an escaped __proto__', `${manifest({}).slice(0, -1)},"\\u005f_proto__":{}}`, /may be called __proto__/],
    ['with constructor', manifest({ dependencies: { constructor: '1.0.0' } }), /may be called constructor/],
    ['with prototype', manifest({ dependencies: { prototype: '1.0.0' } }), /may be called prototype/],
    ['that is too large', `${manifest({})}${' '.repeat(65536)}`, /larger than 65536 bytes/],
    ['that is too deep', `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`, /./],
  ])('%s', async (_, text, reason) => {
    const { exitCode, message } = await refusal(() => pick({ 'a/divvy.template.json': text }));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(reason)]);
    expect(message).toContain('"a/divvy.template.json" in "npm:@acme/templates@1.0.0" cannot be used');
  });

  test('only where it is meant', async () => {
    expect((await refusal(() => pick(SEVERAL, 'report-old'))).exitCode).toBe(3);
    expect((await pick(SEVERAL, 'report')).folder).toBe('templates/report');
  });
});
