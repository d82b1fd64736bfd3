/** Where templates may come from: parses and checks what a person wrote, before anything is fetched. */

import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyUnsafe } from '../disk/paths.ts';
import { badSource } from './errors.ts';

interface AnySource {
  /** The source as it was written, without secrets: for messages, the lock and the record of trust. */
  readonly shown: string;
  /** The chosen folder in it, with `/`; empty for the whole source. */
  readonly within: string;
}

/** A folder on this machine, as it was written: absolute, or relative to where the command runs. */
export interface FolderSource extends AnySource {
  readonly kind: 'folder';
  readonly path: string;
}

export interface GitSource extends AnySource {
  readonly kind: 'git';
  /** The address for git, without a password. */
  readonly url: string;
  /** Set if the URL had a password. */
  readonly credentials?: Credentials;
}

export interface NpmSource extends AnySource {
  readonly kind: 'npm';
  readonly name: string;
  /** A version, a range of them, or a tag. */
  readonly version: string;
}

export interface TarballSource extends AnySource {
  readonly kind: 'tarball';
  /** A path as it was written, or an address. */
  readonly from: string | { readonly url: string; readonly credentials?: Credentials };
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type Source = FolderSource | GitSource | NpmSource | TarballSource;

const LONGEST = 2000;
/** Control characters, and characters that change how others look. */
const INVISIBLE = /[\p{Control}\p{Format}\u2028\u2029]|\p{Surrogate}/u;
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;
const SSH_USER = /^[a-z0-9_][\w.-]*$/i;
const PACKAGE = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/i;
/** `1.2.3`, `^1.2.0`, `~1.2`, `1.x`, `latest`; no character in it is special to a shell or to npm. */
const VERSION = /^[~^]?[a-z0-9][a-z0-9.+-]*$/i;
const GITHUB = /^github:([a-z0-9][a-z0-9-]*)\/(\w[\w.-]*|\.\w[\w.-]*)(?:\/([^#]*))?(?:#(.*))?$/i;
/** An address that can only be that of a repository. */
const REPOSITORY = /^https:\/\/[^#?]*\.git\/?(?:#|$)/i;
/**
 * The short form of ssh and git: `git@example.org:acme/tools.git`. A name without a dot or an @ may mean something
 * else.
 */
const SCP = /^(?:([^@:/\\\s]+)@)?([^@:/\\\s]+):(?!\/\/)([^#]*)(?:#(.*))?$/;
const ARCHIVE = /\.(?:tgz|tar\.gz)$/i;

/**
 * Parses a source that somebody wrote.
 *
 * Throws a Refusal with exit code 2 for anything that has none of the known forms, and for text that could mean
 * something else to the program that gets it.
 */
export function parseSource(text: string): Source {
  if (text.length > LONGEST) throw refused(text.slice(0, 40), `it is longer than ${LONGEST} characters`);
  if (INVISIBLE.test(text)) throw refused(text, 'it has a control character, or one that cannot be seen');
  if (/^npm:/i.test(text)) return npmSource(text);
  if (/^github:/i.test(text)) return githubSource(text);
  if (/^git[+:]/i.test(text) && !/^git:\/\//i.test(text)) return gitSource(text.slice('git+'.length), text);
  if (/^(?:ssh|file):/i.test(text) || REPOSITORY.test(text)) return gitSource(text, text);
  if (/^https:/i.test(text)) return addressSource(text);
  if (/^git:/i.test(text))
    throw refused(text, 'what comes over git: may have been changed on its way: use https or ssh');
  if (/^http:/i.test(text)) throw refused(text, 'what comes over http may have been changed on its way: use https');
  if (/^~/.test(text)) throw refused(text, '~ means something to a shell only: write the path');
  const [, path = '', within] = /^(.*?\.(?:tgz|tar\.gz))(?:#(.*))?$/i.exec(text) ?? [];
  if (isPath(path) || /^\w[^:]*$/.test(path)) {
    return { kind: 'tarball', from: path, ...placed(text, path, within) };
  }
  if (isPath(text)) return { kind: 'folder', path: text, shown: text, within: '' };
  if (SCP.test(text)) return scpSource(text);
  throw refused(text, 'it has none of the forms below');
}

/** A path that cannot be mistaken for anything else. */
const isPath = (text: string): boolean => /^\.{1,2}(?:[/\\]|$)/.test(text) || isAbsolute(text);

function npmSource(text: string): NpmSource {
  const [, name = '', version = 'latest', within] = /^npm:(@?[^@#]*)(?:@([^#]*))?(?:#(.*))?$/i.exec(text) ?? [];
  if (!PACKAGE.test(name)) throw refused(text, 'this is not the name of an npm package');
  if (!VERSION.test(version)) {
    throw refused(text, 'after the @ there must be a version, such as 1.2.3, ^1.2.0 or a tag');
  }
  return { kind: 'npm', name, version, ...placed(text, `npm:${name}@${version}`, within) };
}

function githubSource(text: string): GitSource {
  const [, owner, name, path = '', within = path] = GITHUB.exec(text) ?? [];
  if (owner === undefined || name === undefined) throw refused(text, 'write github:owner/repository');
  if (path !== '' && within !== path) throw refused(text, 'it names two folders');
  const repository = name.replace(/\.git$/i, '');
  const url = `https://github.com/${owner}/${repository}.git`;
  const { within: folder } = placed(text, '', within);
  const shown = `github:${owner}/${repository}${folder === '' ? '' : `/${folder}`}`;
  return { kind: 'git', url, shown, within: folder };
}

/** address - the text without the prefix `git+`. */
function gitSource(address: string, text: string): GitSource {
  if (SCP.test(address) && !/^[a-z]+:/i.test(address)) return scpSource(address);
  const { url, within } = parseUrl(text, address);
  const scheme = url.protocol;
  if (scheme === 'file:') {
    refuseForeignFile(text, url);
    return { kind: 'git', url: url.href, ...placed(text, `git+${url.href}`, within) };
  }
  if (scheme !== 'https:' && scheme !== 'ssh:') throw refused(text, 'git is used over https, ssh and file only');
  if (!HOST.test(url.hostname)) throw refused(text, 'the name of its host is not one');
  if (/^\/*$/.test(url.pathname)) throw refused(text, 'it names no repository');
  if (scheme === 'ssh:') {
    if (url.password !== '') throw refused(text, 'ssh takes no password from an address');
    if (url.username !== '' && !SSH_USER.test(url.username)) throw refused(text, 'the user in it is not one');
    return { kind: 'git', url: url.href, ...placed(text, `git+${url.href}`, within) };
  }
  const credentials = credentialsOf(url);
  url.password = '';
  // A user name without a password stays in the URL: git takes it from there for the credential helper.
  if (credentials) url.username = '';
  const plain = new URL(url);
  plain.username = '';
  return {
    kind: 'git',
    url: url.href,
    ...(credentials && { credentials }),
    ...placed(text, `git+${plain.href}`, within),
  };
}

/** Passed on as it is written: its path starts in that user's home folder, which no URL can express. */
function scpSource(text: string): GitSource {
  const [, user, host = '', path = '', within] = SCP.exec(text) ?? [];
  if (user === undefined && !host.includes('.')) throw refused(text, 'it has none of the forms below');
  if (!HOST.test(host) || (user !== undefined && !SSH_USER.test(user)))
    throw refused(text, 'its user or its host is not one');
  if (!/^[\w/~.][\w/~.+-]*$/.test(path)) throw refused(text, 'after the colon there must be the path of a repository');
  const url = `${user === undefined ? '' : `${user}@`}${host}:${path}`;
  return { kind: 'git', url, ...placed(text, url, within) };
}

function addressSource(text: string): TarballSource {
  const { url, within } = parseUrl(text, text);
  if (!HOST.test(url.hostname)) throw refused(text, 'the name of its host is not one');
  if (!ARCHIVE.test(url.pathname)) {
    throw refused(text, 'only a .tgz or .tar.gz is fetched from an address; a repository is written git+https://…');
  }
  const credentials =
    credentialsOf(url) ?? (url.username === '' ? undefined : { username: url.username, password: '' });
  url.username = '';
  url.password = '';
  const from = { url: url.href, ...(credentials && { credentials }) };
  return { kind: 'tarball', from, ...placed(text, url.href, within) };
}

/** Only if the URL has a password. */
function credentialsOf({ username, password }: URL): Credentials | undefined {
  if (password === '') return undefined;
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
}

function parseUrl(text: string, written: string): { readonly url: URL; readonly within: string | undefined } {
  const [, address = '', within] = /^([^#]*)(?:#(.*))?$/.exec(written) ?? [];
  // A URL parser drops some of these, and reads others as a slash.
  if (/[\s\\]/.test(address)) throw refused(text, 'an address has no spaces and no backslashes');
  // A URL parser accepts any number of slashes, but withoutSecrets looks for exactly two.
  if (!/^[a-z]+:\/\/(?!\/)/i.test(address) && !/^file:/i.test(address)) {
    throw refused(text, 'after its https: or ssh: there must be two slashes');
  }
  let url: URL;
  let decoded: string;
  try {
    url = new URL(address);
    decoded = decodeURIComponent(url.href);
  } catch {
    throw refused(text, 'it is not a URL; before its path there is a slash, not a colon');
  }
  if (INVISIBLE.test(decoded)) throw refused(text, 'it has an encoded control character');
  if (url.search !== '' || address.includes('?')) {
    throw refused(text, 'what is after a ? is often secret, and could not be written down');
  }
  return { url, within };
}

function refuseForeignFile(text: string, url: URL): void {
  if (!/^(?:git[+:])?file:\/\/\//i.test(text) || url.host !== '') {
    throw refused(text, 'write git+file:///… with a whole path');
  }
  if (/^file:/i.test(text) && ARCHIVE.test(url.pathname)) throw refused(text, 'it is an archive: write its path');
  try {
    fileURLToPath(url);
  } catch {
    throw refused(text, 'it names no path of this machine');
  }
}

/** The source for messages, and the folder in it. */
function placed(text: string, shown: string, within = ''): Pick<AnySource, 'shown' | 'within'> {
  const folder = within.replace(/\/$/, '');
  const reason = folder === '' ? undefined : whyUnsafe(folder);
  if (reason !== undefined) throw refused(text, `the folder after its # or its repository: ${reason}`);
  return { shown: folder === '' ? shown : `${shown}#${folder}`, within: folder };
}

/** If the form is unknown, there may be a password anywhere before the last @. */
const refused = (text: string, reason: string) => {
  const mayHaveAny = !/^(?:npm|github):/i.test(text);
  return badSource(withoutSecrets(mayHaveAny ? text.replace(/:\/*.*:.*@/s, '://') : text), reason);
};

/** Removes secrets from another program's text: the credentials of a source, and those in any URL. */
export function withoutSecrets(text: string, credentials?: Credentials): string {
  const secret = credentials?.password || credentials?.username;
  const without = secret ? text.replaceAll(secret, '…').replaceAll(encodeURIComponent(secret), '…') : text;
  return without.replace(/:\/\/[^\s/'"@]*@/g, '://');
}
