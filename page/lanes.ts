/** The lanes of the workers: how busy each was, and when a process of it died. */

import { duration, grouped } from '../generators/report/numbers.ts';
import { type Chart, type ChartData, colour, type LaneData } from './data.ts';
import { ticks } from './time.ts';

const LEVELS = 35;
/** As the charts have it: what is left of the time, and behind it. */
const LABELS = 68;
const PADDING = 24;
const AXIS = 24;
/** What the label of a tick takes, in pixels. */
const TICK_WIDTH = 70;

/** Draws the lanes into a canvas. */
export function drawLanes(place: HTMLElement, { lanes, columns, tookMs, parts }: ChartData): Chart {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'How busy each worker was over time; the table below says how much it did');
  place.append(canvas);
  const draw = (): void => {
    const height = lanes.length > 40 ? 8 : lanes.length > 12 ? 14 : 20;
    const width = place.clientWidth;
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = (lanes.length * height + AXIS) * scale;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${lanes.length * height + AXIS}px`;
    const context = canvas.getContext('2d');
    if (!context) return;
    context.scale(scale, scale);
    const end = Math.max(tookMs, columns.widthMs);
    const x = (ms: number): number => LABELS + (Math.min(ms, end) / end) * (width - LABELS - PADDING);
    for (const [index, lane] of lanes.entries())
      drawLane(context, lane, index, { height, x, widthMs: columns.widthMs });
    drawAxis(context, { end, x, parts, top: lanes.length * height });
    labelLanes(context, lanes, height);
  };
  draw();
  return { draw, end: () => canvas.remove() };
}

interface Scale {
  readonly height: number;
  readonly x: (ms: number) => number;
  readonly widthMs: number;
}

function drawLane(
  context: CanvasRenderingContext2D,
  lane: LaneData,
  index: number,
  { height, x, widthMs }: Scale,
): void {
  const top = index * height;
  context.fillStyle = colour('lane');
  context.fillRect(LABELS, top, x(Number.POSITIVE_INFINITY) - LABELS, height - 1);
  context.fillStyle = colour('done');
  for (let column = 0; column < lane.busy.length; column++) {
    const level = Number.parseInt(lane.busy[column] ?? '0', 36) / LEVELS;
    if (!(level > 0)) continue;
    // Little is still seen: never fainter than a sixth.
    context.globalAlpha = 0.16 + 0.84 * level;
    const left = x(column * widthMs);
    context.fillRect(left, top, Math.max(1, x((column + 1) * widthMs) - left), height - 1);
  }
  context.globalAlpha = 1;
  for (let column = 0; column < lane.deaths.length * 4; column++) {
    const bits = Number.parseInt(lane.deaths[Math.floor(column / 4)] ?? '0', 16);
    if ((bits & (1 << (column % 4))) === 0) continue;
    cross(context, x((column + 0.5) * widthMs), top + (height - 1) / 2, Math.min(5, height / 2 - 1));
  }
}

/** A cross with a rim, so that it is seen on every colour. */
function cross(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  for (const [name, width] of [
    ['panel', 5],
    ['failed', 2.5],
  ] as const) {
    context.strokeStyle = colour(name);
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
    context.stroke();
  }
}

function labelLanes(context: CanvasRenderingContext2D, lanes: readonly LaneData[], height: number): void {
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colour('muted');
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const each = Math.ceil(14 / height);
  for (const [index, { first }] of lanes.entries()) {
    if (index % each > 0) continue;
    context.fillText(grouped(first), LABELS - 6, index * height + height / 2);
  }
}

interface Time {
  readonly end: number;
  readonly x: (ms: number) => number;
  readonly parts: readonly number[];
  readonly top: number;
}

function drawAxis(context: CanvasRenderingContext2D, { end, x, parts, top }: Time): void {
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = colour('muted');
  context.textBaseline = 'top';
  for (const ms of ticks(end, (x(end) - x(0)) / TICK_WIDTH)) {
    context.textAlign = ms === 0 ? 'left' : 'center';
    context.fillText(duration(ms), x(ms), top + 6);
  }
  context.fillStyle = colour('ink');
  for (const from of parts.slice(1)) context.fillRect(x(from) - 0.5, 0, 1, top);
}
