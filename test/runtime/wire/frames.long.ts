// The frames on the socket at length: what frames.test.ts does with 10,000.
import { test } from 'vitest';
import { readCut, readMutated } from './frames.ts';

/** `DIVVY_FRAMES=10000000` for more. */
const count = Number(process.env['DIVVY_FRAMES'] ?? 1_000_000);

test(`${count} frames, messages cut in two at every byte, are read again`, () => {
  readCut(count);
});

test(`${count} frames with bytes changed, inserted or left out end in messages or in a ProtocolError`, () => {
  readMutated(count);
});
