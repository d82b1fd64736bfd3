/** What a page has for its charts, and what a chart is. The colours are here, too. */

/** A worker, or several neighbours. */
export interface LaneData {
  readonly first: number;
  readonly last: number;
  /** How busy it was in each column: a digit, base 36. */
  readonly busy: string;
  /** In which columns a process of it died or was killed: a bit for each, four in a hexadecimal digit. */
  readonly deaths: string;
}

/** What a page has for its charts. */
export interface ChartData {
  readonly tookMs: number;
  /** Where each part of the run begins. */
  readonly parts: readonly number[];
  readonly columns: {
    readonly widthMs: number;
    readonly done: readonly number[];
    readonly failed: readonly number[];
    readonly retried: readonly number[];
    readonly running: readonly number[];
  };
  readonly durations: {
    readonly from: number;
    readonly binsPerDecade: number;
    readonly done: readonly number[];
    readonly failed: readonly number[];
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
  };
  readonly lanes: readonly LaneData[];
  readonly samples: {
    readonly at: readonly number[];
    readonly master: readonly number[];
    readonly median: readonly number[];
    readonly largest: readonly number[];
  };
}

/** A chart in its place. */
export interface Chart {
  /** Draws it anew: the colours or the width may have changed. */
  draw(): void;
  end(): void;
}

/** The colours of the page, as its style sheet has them now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
