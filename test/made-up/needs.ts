// Tests for test/needs.test.ts, which runs them where there is no program at all.
import { describe, test } from 'vitest';
import { needs } from '../needs.ts';

test('needs nothing', () => {});

describe('needs promtool', () => {
  needs('promtool');

  test('first', () => {
    throw new Error('it was run');
  });
  test('second', () => {});
});
