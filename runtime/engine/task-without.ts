/** A task as one of the two ends of a queue has it: the other end calls the rest. Runs in the dispatcher and in a host. */

import type { AnyTask } from '../task/task.ts';

/** Returns the task without these members. Its methods get the task itself as `this`: it may have private fields. */
export function taskWithout(task: AnyTask, members: readonly (keyof AnyTask)[]): AnyTask {
  return new Proxy(task, {
    get(target, name) {
      if ((members as readonly PropertyKey[]).includes(name)) return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
