/** Files of a project that divvy knows by their names. */

export const MANIFEST = 'divvy.json';
export const LOCK = 'divvy.lock.json';
export const PACKAGE_JSON = 'package.json';
