// Archives as somebody might make them, well or ill meant.
import { gzipSync } from 'node:zlib';
import { Header } from 'tar/header';
import type { EntryTypeName } from 'tar/types';

export interface Entry {
  readonly path: string;
  readonly text?: string | Buffer;
  readonly type?: EntryTypeName;
  readonly linkpath?: string;
  /** What the header says the size is, where that is not so. */
  readonly size?: number;
}

/** One entry of a tar archive, as it stands in it. */
export function blockOf({ path, text = '', type = 'File', linkpath, size }: Entry): Buffer {
  const bytes = Buffer.from(text);
  const header = new Header({ path, type, size: size ?? bytes.length, mode: 0o644, ...(linkpath && { linkpath }) });
  header.encode();
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return Buffer.concat([header.block ?? Buffer.alloc(0), bytes, padding]);
}

/** A header of the pax format, which says something of the entry behind it. */
export function pax(fields: Readonly<Record<string, string>>, type: EntryTypeName = 'ExtendedHeader'): Buffer {
  const text = Object.entries(fields).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest);
    while (String(length).length + Buffer.byteLength(rest) !== length) {
      length = String(length).length + Buffer.byteLength(rest);
    }
    return `${length}${rest}`;
  });
  return blockOf({ path: 'PaxHeader/x', type, text: text.join('') });
}

export const END: Buffer = Buffer.alloc(1024);

/** A .tgz of entries, or of blocks that are made already. */
export const tgz = (...entries: readonly (Entry | Buffer)[]): Buffer =>
  gzipSync(Buffer.concat([...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : blockOf(entry))), END]), {
    level: 1,
  });

export const MANIFEST = {
  schemaVersion: 1,
  name: 'backfill',
  description: 'For a test',
  version: '1.0.0',
} as const;

/** The files of a template. */
export const TEMPLATE = {
  'divvy.template.json': JSON.stringify(MANIFEST),
  'files/tasks/example-task.ts': 'export default class ExampleTask {}\n',
} as const;
