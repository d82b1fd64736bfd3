import { test } from 'vitest';
import { tasksComeAndGo } from './add-remove.ts';

test('tasks come and go while their package is edited, and nothing is lost or left, often', () => tasksComeAndGo(400));
