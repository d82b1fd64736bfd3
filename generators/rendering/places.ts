/**
 * Where a template may write: tasks and tests. For any other place its manifest must ask, and somebody must trust it.
 */

import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { folded, whyUnsafe } from '../disk/paths.ts';
import { templateFileRefused } from '../sources/errors.ts';
import type { Permissions, TemplateManifest } from '../sources/templates.ts';

/** Where a template may write without permission. */
const FREE = ['tasks/', 'test/'];

/** The files it may put there without permission: sources, and data that a task or its test reads. */
const EXPECTED = /\.([cm]?[jt]s|[jt]sx|json|ndjson|jsonl|csv|tsv|txt|sql|md|xml|html|png|jpg|gif|svg|gz)$/;

/**
 * Files that some program runs or obeys when it finds them. A template may write one only if a permission names its
 * whole path. This includes all names that begin with a dot.
 */
const RUNS_BY_ITSELF = [
  /(^|\/)\./,
  // A mock in such a folder replaces a package in all tests of Jest and Vitest.
  /(^|\/)__(mocks|snapshots)__\//,
  /(^|\/)(package|project|nx|turbo|lerna|rush|angular|deno|import_map|biome|dprint|tslint|renovate|vercel|now|firebase|netlify|nodemon)\.(json|jsonc|json5|yaml|toml)$/,
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-(lock|workspace)\.yaml|yarn\.lock|bun\.lockb?|bunfig\.toml|deno\.lock|binding\.gyp)$/,
  /(^|\/)[jt]sconfig.*\.json$/,
  /(^|\/)(makefile|gnumakefile|justfile|taskfile\.ya?ml|dockerfile|containerfile|(docker-)?compose.*\.ya?ml|jenkinsfile|procfile|vagrantfile|rakefile|gemfile|codeowners|lefthook\.ya?ml|action\.ya?ml|.*-pipelines\.ya?ml|pyproject\.toml|setup\.py|conftest\.py|cargo\.toml|build\.rs)$/,
  /(^|\/)[^/]+\.(conf|config|rc|workspace|setup|projects?)\.([cm]?[jt]sx?|json|ya?ml|toml)$/,
  /(^|\/)(vitest|vite|jest|mocha|ava|karma|babel|webpack|rollup|playwright|cypress)\.[^/]*\.([cm]?[jt]sx?|json)$/,
  /(^|\/)((global-?)?(setup|teardown)|(setup|teardown)-?(tests?|files?)|test-?setup|instrumentation|gulpfile|gruntfile|jakefile|sitecustomize)\.([cm]?[jt]sx?|py)$/,
  // Files whose contents are instructions for a program that works on the files around them.
  /(^|\/)(agents|claude|gemini|skill|copilot-instructions)\.md$/,
];

/** Only divvy writes these; a template lists what it wants in package.json as permissions, which divvy shows. */
const NOBODYS = [PACKAGE_JSON, MANIFEST, LOCK];

/**
 * Why a template may not write a file; undefined if it may.
 *
 * path - the final path, with all names in it replaced.
 * task - the task's name; its file and its test are always allowed.
 * runtimeDir - the folder of the runtime, which belongs to the runtime alone.
 */
export function whyNotThere(
  path: string,
  permissions: Permissions | undefined,
  { task, runtimeDir }: { readonly task: string; readonly runtimeDir: string },
): string | undefined {
  const unsafe = whyUnsafe(path);
  if (unsafe !== undefined) return unsafe;
  const name = folded(path).toLowerCase();
  if (name.startsWith(`${folded(runtimeDir).toLowerCase()}/`)) return 'the runtime is there';
  if (NOBODYS.includes(name)) return 'what is in it is not for a template to say, but for its permissions';
  const allowed = permissions?.write ?? [];
  if ([`tasks/${task}.ts`, `test/${task}.test.ts`, ...allowed].includes(path)) return undefined;
  if (RUNS_BY_ITSELF.some((pattern) => pattern.test(name))) {
    return 'other programs run or obey such a file, and the template has no permission that names it';
  }
  if (allowed.some((folder) => folder.endsWith('/') && path.startsWith(folder))) return undefined;
  if (!FREE.some((folder) => path.startsWith(folder))) {
    return 'it is not in tasks/ or test/, and the template has no permission for it';
  }
  return EXPECTED.test(name) ? undefined : 'no task or test is such a file, and the template has no permission for it';
}

/**
 * What a template adds to package.json.
 *
 * Throws a Refusal with exit code 3 for a script that a package manager runs by itself.
 */
export function packageJsonOf({ name, permissions = {} }: TemplateManifest): {
  readonly scripts: { readonly [name: string]: string };
  readonly devDependencies: { readonly [name: string]: string };
} {
  const { scripts = {}, devDependencies = {} } = permissions.packageJson ?? {};
  const wrong = Object.keys(scripts).find((script) => !isScriptOfTemplates(script));
  if (wrong !== undefined) {
    throw templateFileRefused(
      name,
      PACKAGE_JSON,
      `the script ${wrong} is run by a package manager itself, or is everybody's`,
    );
  }
  return { scripts, devDependencies };
}

/** Excludes scripts that a package manager runs by itself, and those that run before or after another one. */
export const isScriptOfTemplates = (script: string): boolean =>
  !/^(pre|post|divvy$|divvy:|pnpm:)/i.test(script) &&
  ![
    ...['install', 'uninstall', 'publish', 'dependencies', 'version', 'pack', 'shrinkwrap', 'env'],
    ...['start', 'stop', 'restart', 'test', 'typecheck'],
  ].includes(script);
