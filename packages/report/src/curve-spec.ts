import type { TopLevelSpec } from 'vega-lite';
import { palette, textFont } from './figure.js';
import { type Point, smoothedFrom } from './thin.js';

/** One measure over the training, already thinned for drawing. */
export interface Curve {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  /** Single steps. */
  readonly raw: readonly Point[];
  readonly smoothed: readonly Point[];
  readonly validation: readonly Point[];
}

export interface CurveFigure {
  readonly title: string | undefined;
  readonly subtitle: string | undefined;
  readonly loss: Curve;
  /** Measures in 0..1. */
  readonly shares: readonly Curve[];
  readonly learningRate: readonly Point[];
  /** What the horizontal axis counts. */
  readonly unit: string;
}

type View = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];
type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

const width = 640;
const height = 300;
const rateHeight = 56;

/** The figure of learning curves as a Vega-Lite specification; marks are named after what they show. */
export function curveSpec({ title, subtitle, loss, shares, learningRate, unit }: CurveFigure): TopLevelSpec {
  const curves = [loss, ...shares].filter(({ raw, validation }) => raw.length + validation.length > 0);
  const markNames = distinctNames(curves.map(({ name }) => name));
  const xs = [...curves.flatMap(({ raw, validation }) => [...raw, ...validation]), ...learningRate].map(({ x }) => x);
  const end = Math.max(1, ...xs);
  const xAxis = (shown: boolean) => ({
    field: 'x',
    type: 'quantitative' as const,
    scale: { domain: [0, end], nice: false },
    axis: {
      labels: shown,
      title: shown ? unit : null,
      labelExpr: end < 10_000 ? "format(datum.value, ',d')" : "datum.value === 0 ? '0' : format(datum.value, '~s')",
      labelFlush: false,
      tickMinStep: 1,
      tickCount: 6,
      grid: false,
    },
  });

  const lossMarks = axisMarks([loss]);
  const lossAxis = {
    scale: { domain: [lossMarks[0], lossMarks.at(-1)] },
    axis: {
      title: 'Loss',
      titleColor: loss.colour,
      values: lossMarks,
      format: '.4~g',
      titleAlign: 'left' as const,
    },
  };
  // Others than shares are drawn where they are asked for by name.
  const shareMarks = axisMarks(shares, 1);
  const shareAxis = {
    scale: { domain: [shareMarks[0], shareMarks.at(-1)] },
    axis: {
      title: shareTitle(shares),
      titleColor: palette.blue,
      values: shareMarks,
      format: '.0%',
      orient: 'right' as const,
      titleAlign: 'right' as const,
      // The loss axis has its marks at the same heights.
      grid: curves[0] !== loss,
    },
  };
  const sharesShown = curves.filter((curve) => curve !== loss);
  const hasRate = learningRate.length > 0;
  const main: View = {
    width,
    height,
    resolve: { scale: { y: 'independent' } },
    layer: [
      ...(curves[0] === loss ? [curveLayer(loss, markNames[0]!, xAxis(!hasRate), lossAxis)] : []),
      ...(sharesShown.length > 0
        ? [
            {
              layer: sharesShown.map((curve) =>
                curveLayer(curve, markNames[curves.indexOf(curve)]!, xAxis(!hasRate), shareAxis),
              ),
            },
          ]
        : []),
    ],
  };
  const rateTop = roundTop(Math.max(...learningRate.map(({ y }) => y)), 2);
  const rate: View = {
    name: 'learningRate',
    width,
    height: rateHeight,
    data: { values: [...learningRate] },
    mark: {
      type: 'line',
      color: palette.ink,
      strokeWidth: 1.5,
      point: learningRate.length === 1 && { color: palette.ink },
    },
    encoding: {
      x: xAxis(true),
      y: {
        field: 'y',
        type: 'quantitative',
        scale: { domain: [0, rateTop] },
        axis: { title: 'Learning rate', values: [0, rateTop / 2, rateTop], format: '.4~g', titleAlign: 'left' },
      },
    },
  };

  return {
    ...(title === undefined && subtitle === undefined
      ? {}
      : { title: { text: title ?? '', ...(subtitle === undefined ? {} : { subtitle }) } }),
    background: '#FFFFFF',
    padding: 20,
    spacing: 32,
    bounds: 'flush',
    vconcat: [legend(curves), main, ...(hasRate ? [rate] : [])],
    config: {
      font: textFont,
      view: { stroke: null },
      title: {
        anchor: 'start',
        frame: 'group',
        offset: 14,
        fontSize: 18,
        fontWeight: 700,
        color: palette.ink,
        subtitleFontSize: 13,
        subtitleColor: palette.muted,
        subtitlePadding: 5,
      },
      axis: {
        labelFontSize: 12,
        labelColor: palette.muted,
        titleFontSize: 12,
        titleFontWeight: 700,
        titleColor: palette.ink,
        domain: false,
        ticks: false,
        labelPadding: 8,
        gridColor: palette.grid,
      },
      axisX: {
        domain: true,
        domainColor: palette.line,
        ticks: true,
        tickColor: palette.line,
        tickSize: 4,
        titlePadding: 8,
      },
      axisY: { titleAngle: 0, titleX: 0, titleY: -8, titleBaseline: 'bottom' },
    },
  };
}

/** Names of marks, none twice: Vega-Lite puts `_` for every character but letters a-z and digits. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let own = name.replace(/\W/g, '_');
    while (taken.has(own)) own += '_';
    taken.add(own);
    return own;
  });
}

function curveLayer(curve: Curve, name: string, x: object, y: object): Layer {
  const { colour, raw, smoothed, validation } = curve;
  const encoding = { x, y: { field: 'y', type: 'quantitative' as const, ...y } };
  const single = raw.length === 1;
  // Where only validation measured it, the rings are joined.
  const line = raw.length > 0 ? smoothed : validation;
  return {
    encoding,
    layer: [
      {
        name: `${name}Raw`,
        data: { values: [...raw] },
        mark: { type: 'line', clip: true, color: colour, opacity: 0.22, strokeWidth: 0.8 },
      },
      {
        name: `${name}Training`,
        data: { values: [...line] },
        mark: single
          ? { type: 'point', color: colour, filled: true, opacity: 1, size: 40 }
          : { type: 'line', clip: true, color: colour, strokeWidth: 2, strokeJoin: 'round' },
      },
      {
        name: `${name}Validation`,
        data: { values: [...validation] },
        mark: {
          type: 'point',
          shape: 'circle',
          filled: true,
          fill: '#FFFFFF',
          stroke: colour,
          strokeWidth: 2,
          opacity: 1,
          size: validation.length > 30 ? 20 : 44,
        },
      },
    ],
  } as Layer;
}

/** Lines of keys above the curves: which colour is which measure, which mark is which data. */
function legend(curves: readonly Curve[]): View {
  const rings = curves.some(({ validation }) => validation.length > 0);
  const steps = Math.max(...curves.map(({ raw }) => raw.length));
  const keys = [
    ...curves.map(({ label, colour }) => ({ label, colour, mark: 'bar' })),
    ...(steps > 0
      ? [
          {
            label: steps < smoothedFrom ? 'training' : 'training (faint: each step)',
            colour: palette.muted,
            mark: 'line',
          },
        ]
      : []),
    ...(rings ? [{ label: 'validation', colour: palette.muted, mark: 'ring' }] : []),
  ];
  const swatch = 20;
  let x = 0;
  let row = 0;
  const placed = keys.map((key) => {
    const keyWidth = swatch + 6 + key.label.length * 5.7;
    if (x > 0 && x + keyWidth > width + 40) {
      x = 0;
      row += 1;
    }
    const item = { ...key, x, end: x + swatch, middle: x + swatch / 2, text: x + swatch + 6, y: row * 20 + 8 };
    x += keyWidth + 20;
    return item;
  });
  const at = (field: string) => ({ field, type: 'quantitative' as const, scale: null, axis: null });
  const colour = { field: 'colour', type: 'nominal' as const, scale: null };
  const only = (mark: string) => [{ filter: `datum.mark === '${mark}'` }];
  return {
    name: 'legend',
    width,
    height: row * 20 + 16,
    data: { values: placed },
    layer: [
      {
        transform: only('bar'),
        mark: { type: 'rule', strokeWidth: 4 },
        encoding: { x: at('x'), x2: { field: 'end' }, y: at('y'), color: colour },
      },
      {
        transform: only('line'),
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { x: at('x'), x2: { field: 'end' }, y: at('y'), color: colour },
      },
      {
        transform: only('ring'),
        mark: { type: 'point', filled: true, fill: '#FFFFFF', strokeWidth: 2, opacity: 1, size: 44 },
        encoding: { x: at('middle'), y: at('y'), stroke: colour },
      },
      {
        name: 'legendText',
        mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 12, color: palette.ink },
        encoding: { x: at('text'), y: at('y'), text: { field: 'label', type: 'nominal' } },
      },
    ],
  };
}

/** The height up to which a curve's values are worth showing: all that is smoothed or validated, most single steps. */
function typicalTop({ raw, smoothed, validation }: Curve): number {
  const steps = raw.map(({ y }) => y).sort((a, b) => a - b);
  const most = steps[Math.floor(0.98 * (steps.length - 1))] ?? 0;
  return [...smoothed, ...validation].reduce((top, { y }) => Math.max(top, y), most);
}

/** The smallest end of an axis from 0, at or above `value`, that `parts` equal parts divide into plain numbers. */
function roundTop(value: number, parts: number): number {
  if (!(value > 0)) return 1;
  const part = value / parts;
  const power = 10 ** Math.floor(Math.log10(part));
  const factor =
    [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 10].find((factor) => factor * power >= part * (1 - 1e-9)) ?? 10;
  return Number((factor * power * parts).toPrecision(12));
}

function shareTitle(shares: readonly Curve[]): string {
  if (shares.length === 1) return shares[0]!.label;
  return shares.every(({ name }) => /acc|exact|match|top/i.test(name)) ? 'Accuracy' : 'Metrics';
}

/** Where an axis has its marks: at quarters of its height from 0, or as far below 0 as the curves go. */
function axisMarks(curves: readonly Curve[], least = 0): number[] {
  const top = Math.max(least, ...curves.map(typicalTop));
  const ys = curves.flatMap(({ raw, smoothed, validation }) => [...raw, ...smoothed, ...validation]);
  const bottom = ys.reduce((low, { y }) => Math.min(low, y), 0);
  const part = roundTop(top - bottom, 4) / 4;
  const rounding = 1e-9; // of smoothed values, which may lie outside by so much
  const first = Math.floor(bottom / part + rounding);
  const last = Math.max(first + 4, Math.ceil(top / part - rounding));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * part);
}
