// Reads what a chart of a page has drawn: its texts, and how many pixels of a colour.
import type { Page } from 'playwright-core';

/** Texts in a canvas can't be read from it, so they are noted while they are drawn. */
export function noteDrawnTexts(): void {
  const { prototype } = CanvasRenderingContext2D;
  const { fillText } = prototype;
  prototype.fillText = function (this: CanvasRenderingContext2D, text: string, ...at: [number, number]) {
    this.canvas.dataset['texts'] = `${this.canvas.dataset['texts'] ?? ''}${text}\n`;
    fillText.call(this, text, ...at);
  };
}

/** The texts in the canvas of a chart. */
export const textsOf = async (page: Page, chart: string): Promise<string[]> =>
  (await page.locator(`[data-chart="${chart}"] canvas`).getAttribute('data-texts'))?.trim().split('\n') ?? [];

/** How many pixels of a chart have this colour. */
export const pixelsOf = (page: Page, chart: string, colour: readonly [number, number, number]): Promise<number> =>
  page.evaluate(
    ([name, wanted]) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`[data-chart="${name}"] canvas`);
      const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const has = (at: number): boolean => wanted.every((value, index) => data[at + index] === value);
      return [...data.keys()].filter((at) => at % 4 === 0 && has(at)).length;
    },
    [chart, colour] as const,
  );
export const DONE = [0x00, 0x67, 0xa8] as const;
export const FAILED = [0xc2, 0x3b, 0x00] as const;

/** Which canvases have nothing drawn on them. */
export const blank = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('canvas')].flatMap((canvas) => {
      const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
      return [...data].some((value) => value > 0) ? [] : [canvas.parentElement?.outerHTML.slice(0, 100) ?? ''];
    }),
  );
