/** The links of a README, as they work on npm, which shows it apart from the repository. */

/** What a link leads to when it does not name a whole address. */
export interface Places {
  /** Where the repository's files are on the web; undefined where nobody has said it yet. */
  readonly web: Web | undefined;
  /** Whether the repository has a file, or a folder. */
  readonly isInRepository: (path: string) => boolean;
  /** Whether the package has it. */
  readonly isInPackage: (path: string) => boolean;
}

/** Addresses of a repository's files, which end with the path. */
export interface Web {
  /** Of a page that shows a file. */
  readonly page: string;
  /** Of the file itself, as an image needs it. */
  readonly raw: string;
}

/** How hosts name the files of a repository as they were at a tag. */
const HOSTS: Readonly<Record<string, (home: string, tag: string) => Web>> = {
  'github.com': (home, tag) => ({ page: `${home}/blob/${tag}/`, raw: `${home}/raw/${tag}/` }),
  'gitlab.com': (home, tag) => ({ page: `${home}/-/blob/${tag}/`, raw: `${home}/-/raw/${tag}/` }),
  'bitbucket.org': (home, tag) => ({ page: `${home}/src/${tag}/`, raw: `${home}/raw/${tag}/` }),
  'codeberg.org': (home, tag) => ({ page: `${home}/src/tag/${tag}/`, raw: `${home}/raw/tag/${tag}/` }),
};

/**
 * Where the files of a repository are on the web, as they are at a tag.
 *
 * repository - as package.json has it: an address, `{ url, directory }`, or `owner/name` for GitHub.
 *
 * Throws for one of a host that is not known here.
 */
export function webOf(repository: unknown, tag: string): Web | undefined {
  const { url, directory } = Object(repository) as { url?: unknown; directory?: unknown };
  const named = typeof repository === 'string' ? repository : url;
  if (typeof named !== 'string' || named === '') return undefined;
  const short = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/.exec(named);
  const [, host = '', path = ''] = short
    ? ['', { gitlab: 'gitlab.com', bitbucket: 'bitbucket.org' }[short[1] ?? ''] ?? 'github.com', short[2]]
    : (/^(?:git\+)?(?:https?|ssh|git):\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+?)(?:\.git)?\/?$/.exec(named) ??
      /^[\w-]+@([^:/]+):(.+?)(?:\.git)?$/.exec(named) ??
      []);
  const filesAt = HOSTS[host];
  if (filesAt === undefined) {
    throw new Error(
      `package.json: the repository ${JSON.stringify(named)} is of a host whose addresses are not known here (known: ${Object.keys(HOSTS).join(', ')}). Add it to HOSTS in release/links.ts.`,
    );
  }
  const web = filesAt(`https://${host}/${path}`, tag);
  const below = typeof directory === 'string' ? `${directory.replace(/^\.?\/|\/$/g, '')}/` : '';
  return { page: web.page + below, raw: web.raw + below };
}

/**
 * A text in Markdown whose relative links are whole addresses. Where the repository's is not known, a link to what the package
 * has not is only its text, and an image its words. What is code stays as it is.
 *
 * Throws where a link leads to what is not there, or is of a kind that cannot be rewritten.
 */
export function withWholeLinks(markdown: string, places: Places): string {
  // Split by what is code, of which there are two kinds: every other part is text.
  return markdown
    .split(/(^(?:```|~~~)[\s\S]*?^(?:```|~~~)[^\n]*$|`[^`\n]+`)/m)
    .map((part, index) => (index % 2 === 1 ? part : inText(part, places)))
    .join('');
}

function inText(text: string, places: Places): string {
  const definition = /^ {0,3}\[[^\]]+\]:\s*(\S+)/m.exec(text)?.[1];
  if (definition !== undefined && isRelative(definition)) {
    throw new Error(`the link to ${definition} is written apart from its text: write it as [text](${definition})`);
  }
  return text
    .replace(/!\[([^\]]*)\]\(([^()\s]+)((?:\s+"[^"]*")?)\)/g, (whole, words: string, to: string, title: string) => {
      const there = target(to, 'raw', places);
      return there === to ? whole : there === undefined ? words : `![${words}](${there}${title})`;
    })
    .replace(
      /(?<!!)\[((?:[^[\]]|!?\[[^\]]*\](?:\([^()]*\))?)*)\]\(([^()\s]+)((?:\s+"[^"]*")?)\)/g,
      (whole, words: string, to: string, title: string) => {
        const there = target(to, 'page', places);
        return there === to ? whole : there === undefined ? words : `[${words}](${there}${title})`;
      },
    )
    .replace(/<(img|a|source)\b[^>]*>/g, (tag, name: string) => inTag(tag, name, places));
}

/** `<a href>`, `<img src>` and `<source srcset>`, as the README may have them for what Markdown cannot say. */
function inTag(tag: string, name: string, places: Places): string {
  const [, attribute, to] = /\b(href|src|srcset)="([^"]*)"/.exec(tag) ?? [];
  if (attribute === undefined || to === undefined) return tag;
  const there = target(to, attribute === 'href' ? 'page' : 'raw', places);
  if (there !== undefined) return tag.replace(`${attribute}="${to}"`, `${attribute}="${there}"`);
  return name === 'a' ? tag.replace(/\s*\bhref="[^"]*"/, '') : (/\balt="([^"]*)"/.exec(tag)?.[1] ?? '');
}

/** Where a link is to lead; undefined for nowhere. */
function target(to: string, kind: keyof Web, { web, isInRepository, isInPackage }: Places): string | undefined {
  if (!isRelative(to)) return to;
  const [, path = '', anchor = ''] = /^(?:\.\/)?([^#?]*)(.*)$/.exec(to) ?? [];
  if (!isInRepository(path)) throw new Error(`the link to ${to} leads to a file that is not there`);
  if (web !== undefined) return web[kind] + path + anchor;
  return isInPackage(path) ? to : undefined;
}

const isRelative = (to: string): boolean => !/^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(to);
