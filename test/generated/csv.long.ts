import { test } from 'vitest';
import { killAndResume } from './csv-resume.ts';

test('each of a million rows has its result, after the master was killed half way, in constant memory', () =>
  killAndResume(1_000_000));
