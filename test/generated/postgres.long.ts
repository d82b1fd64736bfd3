import { test } from 'vitest';
import { needs } from '../needs.ts';
import { changeRows } from './postgres-story.ts';

needs('postgres');

test('each of a million rows is changed once: 20 masters and 20 workers are killed, and the server restarts', () =>
  changeRows(1_000_000, 1000, 20, 20));
