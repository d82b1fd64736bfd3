/** The nodes of a syntax tree, and where they are in the text. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every node of a syntax tree. */
export function visitNodes(node: unknown, see: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  see(node as Record<string, unknown>);
  for (const child of Object.values(node)) visitNodes(child, see);
}
