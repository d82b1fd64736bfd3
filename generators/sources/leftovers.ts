/** Files that lie around in folders and are nobody's work: they are left out of every source, wherever they are. */

/** Files that file managers leave behind. */
const OF_SYSTEMS = ['.DS_Store', 'Icon\r', 'Thumbs.db', 'desktop.ini', '__MACOSX'];

/** Copies and marks of vim, Emacs, nano and Kate, and the file that macOS adds beside each file of an archive. */
const OF_EDITORS = /^\..*\.(?:sw[a-p]|kate-swp)$|~$|^#.*#$|^\.#|^\._/;

/** Folders that belong to other programs; git and npm would not pass them on either. */
const OF_PROGRAMS = ['.git', 'node_modules', '.divvy'];

/** Whether a system or an editor leaves behind a file or folder with this name. */
export const isLeftOverName = (name: string): boolean => OF_SYSTEMS.includes(name) || OF_EDITORS.test(name);

/** Whether a path is, or is inside, a file or folder that a system or an editor has left behind. */
export const isLeftOver = (path: string): boolean => path.split('/').some(isLeftOverName);

/** Whether a path is, or is inside, a folder that belongs to another program. */
export const isOfOtherPrograms = (path: string): boolean => path.split('/').some((name) => OF_PROGRAMS.includes(name));
