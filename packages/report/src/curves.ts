import { ProjError } from '@proj/core';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { type Curve, curveSpec } from './curve-spec.js';
import { type Figure, palette, toPng } from './figure.js';
import { isShare, nameInWords } from './naming.js';
import { type Point, smooth, thin, thinKeepingPeaks } from './thin.js';
import type { StepPoint, TrainingLog, ValidationPoint } from './training-log.js';

export interface LearningCurvesOptions {
  /** First line above the figure. */
  readonly title?: string | undefined;
  /** Second, lighter line. */
  readonly subtitle?: string | undefined;
  /** Metrics to draw, at most four; by default the first four whose values are shares (0..1). */
  readonly metrics?: readonly string[] | undefined;
  /** What the horizontal axis counts; default: pictures where every point of the log has `examplesSeen`. */
  readonly over?: 'steps' | 'pictures' | undefined;
}

const metricColours = [palette.blue, palette.sky, palette.green, palette.purple];

/** As many places as the width of the figure can still show apart. */
const resolution = 360;

/**
 * Draws how a training went: loss (left axis) and metrics (right axis, percent) over steps or pictures, the learning
 * rate in a small panel underneath. Training is a smoothed line over the faint single steps, validation is rings.
 *
 * The figure is of the same size whatever the number of points. Values that are not finite are left out; a rare peak
 * of the loss is cut off rather than allowed to flatten the rest.
 *
 * @throws ProjError `no-points` when there is no finite value to draw, `unknown-metric` when a named metric was never
 * logged, `invalid-option` for more than four metrics or pictures where the log does not count them.
 */
export async function learningCurves(
  log: TrainingLog,
  { title, subtitle, metrics, over }: LearningCurvesOptions = {},
): Promise<Figure> {
  const names = metrics ?? loggedMetrics(log).filter((name) => isShare(name, measured(log, name)));
  if (metrics !== undefined) assertMetrics(metrics, log);
  const countsPictures = [...log.steps, ...log.validations].every(({ examplesSeen }) => examplesSeen !== undefined);
  if (over === 'pictures' && !countsPictures) {
    throw new ProjError('Cannot draw the learning curves', {
      code: 'invalid-option',
      expected: '`examplesSeen` in every point of the log, to draw them over pictures',
      received: 'points without it',
      fix: "Draw them over 'steps'",
    });
  }
  const unit = over ?? (countsPictures ? 'pictures' : 'steps');

  const trace = <P extends StepPoint | ValidationPoint>(
    points: readonly P[],
    stepsDone: (point: P) => number,
    measure: (point: P) => number | undefined,
  ) =>
    points.flatMap((point): Point[] => {
      const y = measure(point);
      return y !== undefined && Number.isFinite(y)
        ? [{ x: unit === 'pictures' ? point.examplesSeen! : stepsDone(point), y }]
        : [];
    });
  const trainingTrace = (measure: (point: StepPoint) => number | undefined) =>
    trace(log.steps, ({ step }) => step + 1, measure);
  const curve = (
    name: string,
    colour: string,
    measure: (point: StepPoint | ValidationPoint) => number | undefined,
  ): Curve => {
    const training = trainingTrace(measure);
    return {
      name,
      label: nameInWords(name),
      colour,
      raw: thinKeepingPeaks(training, resolution),
      smoothed: thin(smooth(training), resolution),
      validation: thin(
        trace(log.validations, ({ step }) => step, measure),
        resolution / 6,
      ),
    };
  };

  const loss = curve('loss', palette.vermillion, (point) => point.loss);
  const shares = names
    .slice(0, metricColours.length)
    .map((name, i) => curve(name, metricColours[i]!, (point) => point.metrics[name]));
  if ([loss, ...shares].every(({ raw, validation }) => raw.length + validation.length === 0)) {
    throw new ProjError('Cannot draw the learning curves', {
      code: 'no-points',
      expected: 'at least one step or validation with a finite loss or metric',
      received: `${log.steps.length} steps and ${log.validations.length} validations`,
      fix: 'Draw after the first step',
    });
  }

  const learningRate = thin(
    trainingTrace((point) => point.learningRate),
    resolution,
  );
  const labels = { title, subtitle, unit: unit === 'pictures' ? 'Pictures seen' : 'Steps' };
  const { spec } = compile(curveSpec({ ...labels, loss, shares, learningRate }));
  const view = new View(parse(spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return { svg, png: toPng(svg) };
}

/** Names of the metrics in the log, in the order in which they first appear. */
export function loggedMetrics(log: TrainingLog): string[] {
  const names = new Set<string>();
  for (const point of [...log.steps, ...log.validations])
    for (const name of Object.keys(point.metrics)) names.add(name);
  return [...names];
}

function measured(log: TrainingLog, name: string): number[] {
  return [...log.steps, ...log.validations].flatMap((point) => point.metrics[name] ?? []);
}

function assertMetrics(metrics: readonly string[], log: TrainingLog): void {
  if (metrics.length > metricColours.length) {
    throw new ProjError('Cannot draw the learning curves', {
      code: 'invalid-option',
      expected: `at most ${metricColours.length} metrics`,
      received: metrics.join(', '),
      fix: 'Draw two figures',
    });
  }
  const logged = loggedMetrics(log);
  const unknown = metrics.filter((name) => !logged.includes(name));
  if (unknown.length > 0) {
    throw new ProjError('Cannot draw the learning curves', {
      code: 'unknown-metric',
      expected: logged.length > 0 ? `some of ${logged.join(', ')}` : 'no metrics, for none were logged',
      received: unknown.join(', '),
    });
  }
}
