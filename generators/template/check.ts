/** `divvy template check [folder]`: reports all faults of a template at once. Runs none of its code. */

import { basename } from 'node:path';
import { version } from '../package.ts';
import type { SourceFile } from '../sources/gathering.ts';
import { MANIFEST_OF_TEMPLATE } from '../sources/parts.ts';
import { asTemplate } from '../sources/template.ts';
import type { BrokenTemplate, FoundTemplate } from '../sources/templates-in.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { casesOf } from './cases.ts';
import { checkFiles, unusedPrompts } from './files-check.ts';
import { type Finding, fault, note } from './finding.ts';
import { checkManifest } from './manifest-check.ts';
import { ownTemplates } from './own.ts';

/** Resolves with 0, or with 3 if the template has faults. */
export async function check(call: Call): Promise<Exit> {
  const { root, files, emptyFolders, found } = await ownTemplates(call);
  const { terminal } = call;
  const templates: object[] = [];
  let faults = 0;
  for (const template of found) {
    const below = template.folder === '' ? '' : `${template.folder}/`;
    const empty = emptyFolders
      .filter((folder) => folder.startsWith(`${below}files/`))
      .map((folder) => note(folder.slice(below.length), 1, 'an empty folder is not kept: put a file into it'));
    const findings = [...(await checkTemplate(template, files)), ...empty];
    const name = 'manifest' in template ? template.manifest.name : template.folder || basename(root);
    const wrong = findings.filter(({ kind }) => kind === 'fault').length;
    faults += wrong;
    const lines = findings.map(
      ({ file, line, message, kind }) => `${below}${file}:${line}: ${kind === 'note' ? 'note: ' : ''}${message}`,
    );
    const end = wrong === 0 ? 'nothing is wrong' : `${wrong} ${wrong === 1 ? 'fault' : 'faults'}`;
    terminal.say(
      [...lines, `${terminal.style.strong(name)}: ${end}`]
        .map((line, index) => (index < lines.length ? harmless(line) : line))
        .join('\n'),
    );
    templates.push({ name, folder: template.folder, findings });
  }
  terminal.result({ command: 'template check', version, faults, templates });
  return faults === 0 ? 0 : 3;
}

async function checkTemplate(template: FoundTemplate | BrokenTemplate, all: readonly SourceFile[]): Promise<Finding[]> {
  const below = template.folder === '' ? '' : `${template.folder}/`;
  const bytes = all.find(({ path }) => path === `${below}${MANIFEST_OF_TEMPLATE}`)?.bytes ?? Buffer.alloc(0);
  const { findings, manifest, lineOf } = await checkManifest(bytes);
  if (manifest === undefined || !('manifest' in template)) {
    const isTold = findings.length > 0 || !('refusal' in template);
    return isTold ? [...findings] : [fault(MANIFEST_OF_TEMPLATE, 1, template.refusal.message)];
  }
  const { prompts = [] } = manifest;
  const { files } = asTemplate(template, { source: '', identity: '', resolved: '' });
  const unused = unusedPrompts(files, prompts).map((prompt) =>
    fault(
      MANIFEST_OF_TEMPLATE,
      lineOf(['prompts', prompts.indexOf(prompt), 'name']),
      `nothing uses the answer to ${prompt.name}: example-${prompt.name} is in no file`,
    ),
  );
  const cases = casesOf(template.files, manifest).bad.map(({ file, reason }) => fault(file, 1, reason));
  return [...findings, ...unused, ...(await checkFiles(files, manifest)), ...cases];
}
