/** What lies about in folders and is nobody's work: left out of every source, wherever it is. */

/** What file managers leave behind. */
const OF_SYSTEMS = ['.DS_Store', 'Icon\r', 'Thumbs.db', 'desktop.ini', '__MACOSX'];

/** Copies and marks of vim, Emacs, nano and Kate; and what macOS puts beside each file of an archive. */
const OF_EDITORS = /^\..*\.(?:sw[a-p]|kate-swp)$|~$|^#.*#$|^\.#|^\._/;

/** Folders that other programs own, as git and npm would not hand them on either. */
const OF_PROGRAMS = ['.git', 'node_modules', '.divvy'];

/** Whether a name is that of a file or folder that a system or an editor has left behind. */
export const isLeftOverName = (name: string): boolean => OF_SYSTEMS.includes(name) || OF_EDITORS.test(name);

/** Whether a path is, or is in, what a system or an editor has left behind. */
export const isLeftOver = (path: string): boolean => path.split('/').some(isLeftOverName);

/** Whether a path is, or is in, a folder of another program's. */
export const isOfOtherPrograms = (path: string): boolean => path.split('/').some((name) => OF_PROGRAMS.includes(name));
