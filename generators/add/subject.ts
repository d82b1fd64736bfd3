/** Which task, in which package, of what: by the command line, on a terminal by asking, and by what the package shows. */

import { join } from 'node:path';
import { stat } from '../change-set/disk.ts';
import { recover } from '../change-set/recovery.ts';
import { refuseUnknownAnswers, settleHooks, settleTemplate } from '../choices.ts';
import type { Call } from '../command.ts';
import type { Workshop } from '../environment.ts';
import { badTaskName, noTaskNamed, runtimeElsewhere } from '../errors.ts';
import { settleLayout } from '../host/layout.ts';
import { settleManager } from '../host/manager.ts';
import { type Place, settlePlace } from '../host/place.ts';
import { type TestRunner, testRunnerOf } from '../host/test-runner.ts';
import { type Lock, lockToEdit } from '../lock.ts';
import { MANIFEST, type Manifest, openProject } from '../manifest.ts';
import { nearestTaskName, whyNotTaskName } from '../names.ts';
import type { PackageManager } from '../package-manager.ts';
import { isPreview } from '../preview.ts';
import { runtimeFolder } from '../runtime-folder.ts';
import { findTemplate, type TemplateManifest } from '../templates.ts';
import { tellOfRecovery } from '../terminal.ts';

export interface Subject {
  readonly task: string;
  readonly place: Place;
  readonly manifest: Manifest;
  readonly lock: Lock | undefined;
  readonly template: TemplateManifest;
  readonly hooks: readonly string[];
  readonly packageManager: PackageManager;
  readonly testRunner: TestRunner;
}

/** Rejects with a Refusal: exit code 2 for what is not known or missing, 3 for a package that no task can be put into. */
export async function settleSubject(call: Call, ask: Workshop['ask']): Promise<Subject> {
  const task = settleName(call);
  if (call.values.template !== undefined) findTemplate(call.values.template);
  const place = await settlePlace(call, ask);
  if (!isPreview(call)) tellOfRecovery(call.terminal, recover(place.root));
  const manifest = await settleManifest(call, place, ask);
  const lock = lockToEdit(place.root);

  // A task that is there is the same again unless something else is asked for.
  const there = lock?.tasks[task];
  const again = call.values.template === undefined && there !== undefined;
  const template = again ? findTemplate(there.template) : await settleTemplate(call, ask);
  refuseUnknownAnswers(call, template);
  const hooks = again && call.values.hooks === undefined ? there.hooks : await settleHooks(call, ask);
  const packageManager = await settleManager(call, place, ask);
  return { task, place, manifest, lock, template, hooks, packageManager, testRunner: testRunnerOf(place) };
}

function settleName(call: Call): string {
  const [task] = call.words;
  if (task === undefined) throw noTaskNamed(call.shown);
  const reason = whyNotTaskName(task);
  if (reason !== undefined) throw badTaskName(task, reason, nearestTaskName(task), false);
  return task;
}

/** Where divvy is in the package already, its folders stay what they are. */
async function settleManifest(call: Call, place: Place, ask: Workshop['ask']): Promise<Manifest> {
  if (stat(join(place.root, MANIFEST)) === undefined) return settleLayout(call, place, ask);
  const { manifest } = await openProject(place.root, call.terminal);
  const given = call.values['runtime-dir'];
  if (given !== undefined && runtimeFolder(given) !== manifest.runtime) throw runtimeElsewhere(given, manifest.runtime);
  return manifest;
}
