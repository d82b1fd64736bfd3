/** Puts texts into the string literals of a source. They stay texts: no part of them becomes code. */

import { ts } from 'ts-morph';
import type { Refusal } from './refusal.ts';
import { withAll } from './words.ts';

/** A text, and the word that it replaces anywhere in a literal. `word` is a global regular expression. */
export interface Text {
  readonly word: RegExp;
  readonly value: string;
}

/**
 * Replaces words with texts.
 *
 * Returns the new source, or why it is impossible: a word is where the text would become code, in a comment, an
 * identifier, a regular expression, or the name of a module.
 */
export function fillLiterals(
  source: string,
  fileName: string,
  texts: readonly Text[],
): { readonly text: string } | { readonly refusals: readonly Refusal[] } {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  const literals: { from: number; to: number; quote: string }[] = [];
  const refusals: Refusal[] = [];
  const isIn = (text: string) => texts.some(({ word }) => new RegExp(word.source).test(text));
  const refuse = (at: number, reason: string) =>
    refusals.push({
      line: file.getLineAndCharacterOfPosition(at).line + 1,
      reason,
      remedy:
        "Tell the template's author: an answer that is a text stands in a string literal, and not in one that names a module.",
    });
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || isTemplatePart(node)) {
      const from = node.getStart(file);
      const isMixed = isTemplatePart(node) || ts.isNoSubstitutionTemplateLiteral(node);
      const reason = whyNotIn(node);
      if (reason === undefined) literals.push({ from, to: node.end, quote: isMixed ? '`' : source.charAt(from) });
      else if (isIn(source.slice(from, node.end))) refuse(from, reason);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  // If the syntax is broken, other parsers may read the source in another way than this one.
  const [fault] = faultsOf(file);
  if (fault !== undefined && isIn(source)) refuse(fault, 'it is not TypeScript that can be read without a doubt');
  literals.sort((a, b) => a.from - b.from);

  const rest = (text: string, at: number) => {
    for (const { word } of texts) {
      for (const match of text.matchAll(word)) {
        if (refusals.length === 0) refuse(at + match.index, `${match[0]} is in no string literal`);
      }
    }
    return text;
  };
  let done = '';
  let at = 0;
  for (const { from, to, quote } of literals) {
    done += rest(source.slice(at, from), at);
    done += withAll(
      source.slice(from, to),
      texts.map(({ word, value }) => ({ word, by: escaped(value, quote) })),
    );
    at = to;
  }
  done += rest(source.slice(at), at);
  return refusals.length > 0 ? { refusals } : { text: done };
}

const isTemplatePart = (node: ts.Node): node is ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail =>
  ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);

/** The offset of the syntax faults; empty if there are none. */
const faultsOf = (file: ts.SourceFile): number[] =>
  // TypeScript's types do not list this property, but all of its own tools read it.
  (file as ts.SourceFile & { readonly parseDiagnostics: readonly { readonly start: number }[] }).parseDiagnostics.map(
    ({ start }) => start,
  );

type Literal =
  | ts.StringLiteral
  | ts.NoSubstitutionTemplateLiteral
  | ts.TemplateHead
  | ts.TemplateMiddle
  | ts.TemplateTail;

/** Why a text cannot go into a literal, because it would not stay a text there; undefined if it can. */
function whyNotIn(node: Literal): string | undefined {
  const { parent } = node;
  if (isOfModule(node)) return 'an answer would name a module';
  // `__proto__` and `constructor` are special as member names; in brackets they are not.
  const names = parent as { readonly name?: ts.Node; readonly propertyName?: ts.Node };
  if (names.name === node || names.propertyName === node) return 'an answer would name a member: put it in brackets';
  if (ts.isJsxAttribute(parent)) return 'an attribute of JSX knows no escapes: put it in braces';
  const template = isTemplatePart(node) && !ts.isTemplateHead(node) ? parent.parent : parent;
  if (ts.isTaggedTemplateExpression(template) || ts.isTaggedTemplateExpression(template.parent))
    return 'a tag may read what is written, and not what it means';
  return undefined;
}

/** Whether a literal names a module, in any form of import or export, or is code itself: it would be loaded and run. */
function isOfModule({ parent }: ts.Node): boolean {
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isExternalModuleReference(parent))
    return true;
  if (ts.isModuleDeclaration(parent)) return true;
  if (ts.isLiteralTypeNode(parent)) return ts.isImportTypeNode(parent.parent);
  let outer = parent;
  while (isPartOfText(outer)) outer = outer.parent;
  const isLoader = (callee: ts.Node, pattern: RegExp) => pattern.test(callee.getText().replace(/^.*\./s, ''));
  if (ts.isCallExpression(outer))
    return isLoader(outer.expression, /^(import|require|createRequire|register|eval|Function)$/);
  return ts.isNewExpression(outer) && isLoader(outer.expression, /^(Function|Worker|Script)$/);
}

/** Whether the literals inside a node become part of its text. */
const isPartOfText = (node: ts.Node): boolean =>
  ts.isTemplateSpan(node) ||
  ts.isTemplateExpression(node) ||
  ts.isParenthesizedExpression(node) ||
  ts.isBinaryExpression(node) ||
  ts.isConditionalExpression(node) ||
  ts.isAsExpression(node) ||
  ts.isSatisfiesExpression(node) ||
  ts.isNonNullExpression(node);

function escaped(value: string, quote: string): string {
  const inDouble = JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
  if (quote === '"') return inDouble;
  const bare = inDouble.replaceAll(String.raw`\"`, '"');
  return quote === "'" ? bare.replaceAll("'", String.raw`\'`) : bare.replace(/[`${]/g, String.raw`\$&`);
}
