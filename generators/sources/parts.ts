/** Where the templates of a source are, judged by its paths. */

export const MANIFEST_OF_TEMPLATE = 'divvy.template.json';

/** The folders of a template that divvy reads, beside its manifest. */
const PARTS = ['files', 'tests'];

/**
 * The folders that contain a manifest, each with a trailing `/` (the source itself is ''); without those among a
 * template's files.
 */
export function templateFolders(paths: readonly string[]): string[] {
  const folders = paths
    .filter((path) => path === MANIFEST_OF_TEMPLATE || path.endsWith(`/${MANIFEST_OF_TEMPLATE}`))
    .map((path) => path.slice(0, -MANIFEST_OF_TEMPLATE.length));
  return folders.filter((folder) => !folders.some((other) => folder.startsWith(`${other}files/`)));
}

/**
 * Returns a function that tells whether a template of the source uses a path; if there is no template, it accepts all.
 */
export function isUsedIn(paths: readonly string[]): (path: string) => boolean {
  const folders = templateFolders(paths);
  if (folders.length === 0) return () => true;
  const isIn = (path: string, folder: string): boolean => {
    const [part = '', ...below] = path.slice(folder.length).split('/');
    return PARTS.includes(part) || (part === MANIFEST_OF_TEMPLATE && below.length === 0);
  };
  return (path) => folders.some((folder) => path.startsWith(folder) && isIn(path, folder));
}
