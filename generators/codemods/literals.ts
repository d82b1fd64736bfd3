/** Texts put into the string literals of a source, so that they stay texts: whatever is in them, none of it becomes code. */

import { ts } from 'ts-morph';
import type { Refusal } from './refusal.ts';

/** A word that a text takes the place of, wherever it is in a literal. `word` is global. */
export interface Text {
  readonly word: RegExp;
  readonly value: string;
}

/**
 * Puts texts in the place of words.
 *
 * Returns the new source, or why it cannot be done: a word stands where it would become code, in a comment, an identifier,
 * a regular expression, or the name of a module.
 */
export function fillLiterals(
  source: string,
  fileName: string,
  texts: readonly Text[],
): { readonly text: string } | { readonly refusals: readonly Refusal[] } {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  const literals: { from: number; to: number; quote: string }[] = [];
  const refusals: Refusal[] = [];
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
      if (isOfModule(node)) {
        if (texts.some(({ word }) => new RegExp(word).test(node.text))) refuse(from, 'an answer would name a module');
      } else literals.push({ from, to: node.end, quote: isMixed ? '`' : source.charAt(from) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
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
    done += texts.reduce(
      (text, { word, value }) => text.replace(word, () => escaped(value, quote)),
      source.slice(from, to),
    );
    at = to;
  }
  done += rest(source.slice(at), at);
  return refusals.length > 0 ? { refusals } : { text: done };
}

const isTemplatePart = (node: ts.Node): node is ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail =>
  ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);

/** Of an import or an export, however it is written: what it names is loaded, and run. */
function isOfModule({ parent }: ts.Node): boolean {
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isExternalModuleReference(parent))
    return true;
  if (ts.isModuleDeclaration(parent)) return true;
  if (ts.isLiteralTypeNode(parent)) return ts.isImportTypeNode(parent.parent);
  const isLoader =
    ts.isCallExpression(parent) && /^(import|require|createRequire|eval|Function)$/.test(parent.expression.getText());
  return isLoader || (ts.isNewExpression(parent) && /^(Function|Worker)$/.test(parent.expression.getText()));
}

function escaped(value: string, quote: string): string {
  const inDouble = JSON.stringify(value)
    .slice(1, -1)
    .replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
  if (quote === '"') return inDouble;
  const bare = inDouble.replaceAll(String.raw`\"`, '"');
  return quote === "'" ? bare.replaceAll("'", String.raw`\'`) : bare.replace(/[`${]/g, String.raw`\$&`);
}
