/** HTML from texts of anybody: what is put into a template is shown as text, and never as HTML. */

/** A piece of HTML that is whole. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Part[] | undefined | false;

/** A template literal whose parts are escaped, but for pieces that are HTML already. Lists are put one after another. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, at) => text + inserted(parts[at - 1]) + string));
}

function inserted(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  return Array.isArray(part) ? part.map(inserted).join('') : escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A text as it stands in HTML, between tags or in a quoted attribute. Characters that act on a terminal or on the
 * direction of text are shown by their numbers.
 */
export function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replace(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for these characters
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
      (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
    );
}

/** JSON as it can stand in a `<script>` of data. */
export function scriptData(value: unknown): Html {
  return new Html(
    JSON.stringify(value).replace(/[<\u2028\u2029]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
