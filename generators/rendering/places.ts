/** Where a template may write: tasks and tests; anything else only where its manifest says so, and somebody trusts it. */

import { folded, whyUnsafe } from '../change-set/paths.ts';
import { templateFileRefused } from '../errors.ts';
import { PACKAGE_JSON } from '../host/package-json.ts';
import type { Permissions, TemplateManifest } from '../templates.ts';

/** A template's own places. */
const FREE = ['tasks/', 'test/'];

/**
 * Files that some program runs, or obeys, by finding them: they are written only where a permission names each by its
 * whole path.
 */
const RUNS_BY_ITSELF = [
  /(^|\/)\.(npmrc|yarnrc|yarnrc\.yml|pnpmfile\.c?js|envrc|env|bunfig\.toml|gitattributes|gitmodules|gitconfig|mocharc\..*|babelrc.*|eslintrc.*|prettierrc.*|swcrc|lintstagedrc.*|pre-commit-config\.yaml|travis\.yml|gitlab-ci\.yml|editorconfig|tool-versions|node-version|nvmrc)$/,
  /(^|\/)(\.husky|\.github|\.gitlab|\.circleci|\.vscode|\.idea|\.devcontainer|\.zed|\.fleet|\.yarn|\.claude|\.cursor)\//,
  /(^|\/)(package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|bun\.lockb?|bunfig\.toml|deno\.jsonc?|tsconfig.*\.json|jsconfig.*\.json|makefile|justfile|dockerfile|jenkinsfile|lefthook\.ya?ml|divvy\.json|divvy\.lock\.json)$/,
  /(^|\/)[^/]+\.(config|rc|workspace|setup)\.[cm]?[jt]s$/,
  /(^|\/)(setup|global-?setup|instrumentation)\.[cm]?[jt]s$/,
];

/**
 * Why a template may not write a file; undefined where it may.
 *
 * path       - as it is to be written, with all names in it replaced.
 * runtimeDir - where the runtime is: that is nobody's else.
 */
export function whyNotThere(
  path: string,
  permissions: Permissions | undefined,
  runtimeDir: string,
): string | undefined {
  const unsafe = whyUnsafe(path);
  if (unsafe !== undefined) return unsafe;
  const name = folded(path).toLowerCase();
  if (name.startsWith(`${folded(runtimeDir).toLowerCase()}/`)) return 'the runtime is there';
  const allowed = permissions?.write ?? [];
  if (allowed.includes(path)) return undefined;
  if (RUNS_BY_ITSELF.some((pattern) => pattern.test(name))) {
    return 'other programs run or obey such a file, and the template has no permission that names it';
  }
  const isFree = FREE.some((folder) => path.startsWith(folder));
  const isAllowed = allowed.some((folder) => folder.endsWith('/') && path.startsWith(folder));
  return isFree || isAllowed ? undefined : 'it is not in tasks/ or test/, and the template has no permission for it';
}

/**
 * What a template puts into package.json.
 *
 * Throws a Refusal with exit code 3 for a script that a package manager runs by itself.
 */
export function packageJsonOf({ name, permissions = {} }: TemplateManifest): {
  readonly scripts: { readonly [name: string]: string };
  readonly devDependencies: { readonly [name: string]: string };
} {
  const { scripts = {}, devDependencies = {} } = permissions.packageJson ?? {};
  const wrong = Object.keys(scripts).find(runsByItself);
  if (wrong !== undefined) {
    throw templateFileRefused(
      name,
      PACKAGE_JSON,
      `the script ${wrong} is run by a package manager itself, or is everybody's`,
    );
  }
  return { scripts, devDependencies };
}

/** Scripts that a package manager runs by itself, and those that run before or behind one of another name. */
const runsByItself = (script: string): boolean =>
  /^(pre|post)/.test(script) ||
  ['install', 'prepare', 'publish', 'dependencies', 'start', 'stop', 'restart', 'test', 'version'].includes(script);
