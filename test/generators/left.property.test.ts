import { test } from 'vitest';
import { nothingOfItsOwnersIsLost } from './left.ts';

test('what its owner wrote is never removed, and the runtime never by half', () => nothingOfItsOwnersIsLost(8));
