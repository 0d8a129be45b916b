import { Rng } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { learningCurves, type StepPoint, type TrainingLog, type ValidationPoint } from '../src/index.js';
import { decode, inked } from './read-png.js';
import { axisLabels, linePoints, mark, shapes, symbolPoints, texts } from './read-svg.js';

/** A training of `count` steps whose loss falls from 16 and whose metrics rise to 1. */
function simulate(count: number, validateEvery: number, { noise = 0.05, pictures = 0 } = {}): TrainingLog {
  const rng = new Rng('curves');
  const seen = (stepsDone: number) => (pictures > 0 ? { examplesSeen: stepsDone * pictures } : {});
  const point = (stepsDone: number) => {
    const share = 1 - Math.exp((-6 * stepsDone) / count);
    return { loss: 16 * (1 - share), metrics: { charAccuracy: share, exactMatch: share ** 4 }, ...seen(stepsDone) };
  };
  const steps = Array.from({ length: count }, (_, step): StepPoint => {
    const { loss, ...rest } = point(step + 1);
    return { step, loss: loss * (1 + rng.normal(0, noise)), learningRate: 0.002 * (1 - step / count), ...rest };
  });
  const validations = Array.from({ length: Math.floor(count / validateEvery) }, (_, i): ValidationPoint => {
    const step = (i + 1) * validateEvery;
    return { step, ...point(step) };
  });
  return { steps, validations };
}

const plotHeight = 300;
const plotWidth = 640;

describe('learningCurves', () => {
  it('draws loss against the left axis, metrics in percent against the right, the rate underneath', async () => {
    const { svg } = await learningCurves(simulate(400, 40), { title: 'Title & more', subtitle: 'Sub' });

    for (const name of ['loss', 'charAccuracy', 'exactMatch']) {
      expect(linePoints(svg, `${name}Training`).length, name).toBe(360);
      expect(linePoints(svg, `${name}Raw`).length, name).toBe(400);
      expect(shapes(svg, `${name}Validation`), name).toBe(10);
    }
    expect(linePoints(svg, 'learningRate').length).toBe(360);
    const labels = axisLabels(svg);
    expect(labels).toContainEqual(['0', '4', '8', '12', '16']);
    expect(labels).toContainEqual(['0%', '25%', '50%', '75%', '100%']);
    expect(labels).toContainEqual(['0', '0.001', '0.002']);
    expect(labels).toContainEqual(['0', '50', '100', '150', '200', '250', '300', '350', '400']);
    expect(labels.length).toBe(4);
    const shown = texts(svg);
    for (const text of ['Title &amp; more', 'Sub', 'Loss', 'Accuracy', 'Learning rate', 'Steps']) {
      expect(shown).toContain(text);
    }
    for (const key of ['Char accuracy', 'Exact match', 'training (faint: each step)', 'validation']) {
      expect(texts(mark(svg, 'legendText')!)).toContain(key);
    }
  });

  it('is of the same size where values lie below 0 or above 1', async () => {
    const usual = simulate(100, 20);
    const size = /<svg[^>]* height="(\d+)"/;
    const { svg: before } = await learningCurves(usual);
    const outside = <P extends StepPoint | ValidationPoint>(point: P): P => ({
      ...point,
      loss: point.loss - 13,
      metrics: { perplexity: 12 * point.metrics.exactMatch! },
    });
    const log = { steps: usual.steps.map(outside), validations: usual.validations.map(outside) };
    const { svg } = await learningCurves(log, { metrics: ['perplexity'] });
    expect(size.exec(svg)![1]).toBe(size.exec(before)![1]);
    expect(axisLabels(svg)).toContainEqual(['−16', '−12', '−8', '−4', '0', '4']);
    expect(axisLabels(svg)).toContainEqual(['0%', '300%', '600%', '900%', '1200%']);
    for (const [, y] of [...symbolPoints(svg, 'lossValidation'), ...symbolPoints(svg, 'perplexityValidation')]) {
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(plotHeight);
    }
  });

  it('draws metrics whose names differ in other letters than a-z', async () => {
    const metrics = { 准确: 0.5, 召回: 0.75, 'top-1': 0.25, top_1: 1 };
    const { svg } = await learningCurves({ steps: [{ step: 0, loss: 1, metrics }], validations: [] });
    for (const label of ['准确', '召回']) expect(texts(mark(svg, 'legendText')!)).toContain(label);
    const heights = ['__', '___', 'top_1', 'top_1_'].map((name) => symbolPoints(svg, `${name}Training`)[0]![1]);
    expect(heights).toEqual([0.5, 0.25, 0.75, 0].map((share) => share * plotHeight));
  });

  it('keeps its axes where rounding puts a share above 1 or below 0', async () => {
    const metrics = { exactMatch: 1 + 2e-16, topOne: -1e-17 };
    const steps = [0, 1, 2].map((step) => ({ step, loss: 1, metrics }));
    const { svg } = await learningCurves({ steps, validations: [] }, { metrics: ['exactMatch', 'topOne'] });
    expect(axisLabels(svg)).toContainEqual(['0%', '25%', '50%', '75%', '100%']);
  });

  it('places values where the axes say', async () => {
    const log: TrainingLog = {
      steps: [
        { step: 0, loss: 8, metrics: { exact: 0 }, learningRate: 0.2 },
        { step: 1, loss: 4, metrics: { exact: 0.5 }, learningRate: 0.1 },
        { step: 3, loss: 2, metrics: { exact: 1 }, learningRate: 0 },
      ],
      validations: [{ step: 2, loss: 6, metrics: { exact: 0.25 } }],
    };
    const { svg } = await learningCurves(log);
    expect(linePoints(svg, 'lossTraining')).toEqual([
      [plotWidth / 4, 0],
      [plotWidth / 2, plotHeight / 2],
      [plotWidth, (plotHeight * 3) / 4],
    ]);
    expect(linePoints(svg, 'exactTraining').map(([, y]) => y)).toEqual([plotHeight, plotHeight / 2, 0]);
    expect(symbolPoints(svg, 'lossValidation')).toEqual([[plotWidth / 2, plotHeight / 4]]);
    expect(symbolPoints(svg, 'exactValidation')).toEqual([[plotWidth / 2, (plotHeight * 3) / 4]]);
    expect(linePoints(svg, 'learningRate').map(([, y]) => y)).toEqual([0, 28, 56]);
  });

  it('labels the axis with its numbers as they are, not rounded to their distance', async () => {
    const steps = [29, 8, 2].map((loss, step) => ({ step, loss, metrics: {}, learningRate: 0.0015 }));
    const labels = axisLabels((await learningCurves({ steps, validations: [] })).svg);
    expect(labels).toContainEqual(['0', '7.5', '15', '22.5', '30']);
    expect(labels).toContainEqual(['0', '0.00075', '0.0015']);
  });

  it('counts pictures where the log does', async () => {
    const log = simulate(400, 40, { pictures: 128 });
    const pictures = await learningCurves(log);
    expect(texts(pictures.svg)).toContain('Pictures seen');
    expect(axisLabels(pictures.svg)).toContainEqual(['0', '10k', '20k', '30k', '40k', '50k']);
    expect(symbolPoints(pictures.svg, 'lossValidation').at(-1)![0]).toBe(plotWidth);
    const steps = await learningCurves(log, { over: 'steps' });
    expect(texts(steps.svg)).toContain('Steps');
    expect(linePoints(steps.svg, 'lossTraining')).toEqual(linePoints(pictures.svg, 'lossTraining'));
  });

  it('gives one step a dot', async () => {
    const { svg, png } = await learningCurves(simulate(1, 5));
    expect(shapes(svg, 'lossTraining')).toBe(1);
    expect(symbolPoints(svg, 'lossTraining')[0]![0]).toBe(plotWidth);
    expect(shapes(svg, 'lossValidation')).toBe(0);
    expect(texts(mark(svg, 'legendText')!)).toEqual(['Loss', 'Char accuracy', 'Exact match', 'training']);
    expect((await decode(png)).height).toBeGreaterThan(800);
  });

  it('stays as small for 20,000 steps, and as readable with a huge peak', async () => {
    const log = simulate(20_000, 200);
    const steps = log.steps.map((point) => (point.step === 9000 ? { ...point, loss: 1e6 } : point));
    const { svg } = await learningCurves({ ...log, steps });
    expect(svg.length).toBeLessThan(200_000);
    expect(linePoints(svg, 'lossRaw').length).toBeLessThanOrEqual(720);
    expect(shapes(svg, 'lossValidation')).toBe(60);
    expect(axisLabels(svg)).toContainEqual(['0', '4', '8', '12', '16']);
    expect(Math.min(...linePoints(svg, 'lossTraining').map(([, y]) => y))).toBeGreaterThan(0);
    const highest = Math.min(...linePoints(svg, 'lossRaw').map(([, y]) => y));
    expect(highest).toBeLessThan(-plotHeight); // the peak is there, beyond the clipped panel
  });

  it('leaves out what is not finite and what was not measured', async () => {
    const { svg } = await learningCurves({
      steps: [
        { step: 0, loss: 2, metrics: {} },
        { step: 1, loss: Number.NaN, metrics: {} },
        { step: 2, loss: 1, metrics: {} },
      ],
      validations: [],
    });
    expect(linePoints(svg, 'lossTraining').length).toBe(2);
    expect(axisLabels(svg).length).toBe(2);
    expect(texts(svg)).not.toContain('Learning rate');
  });

  it('joins the rings of what only validation measured', async () => {
    const { svg } = await learningCurves({
      steps: [],
      validations: [1, 2, 3].map((step) => ({ step, loss: 1 / step, metrics: { top1: step / 4 } })),
    });
    expect(linePoints(svg, 'top1Training')).toEqual(symbolPoints(svg, 'top1Validation').map((p) => p.map(near)));
    expect(texts(svg)).toContain('Top1');
  });

  it('draws the metrics asked for, by default those that are shares', async () => {
    const log: TrainingLog = {
      steps: [0, 1].map((step) => ({ step, loss: 1, metrics: { edits: 3 + step, auxLoss: 0.5, exact: 0.5 } })),
      validations: [],
    };
    const { svg } = await learningCurves(log);
    expect(mark(svg, 'exactTraining')).toBeDefined();
    expect(mark(svg, 'editsTraining')).toBeUndefined();
    expect(mark(svg, 'auxLossTraining')).toBeUndefined();
    expect(mark((await learningCurves(log, { metrics: ['auxLoss'] })).svg, 'auxLossTraining')).toBeDefined();
  });

  it('makes a PNG of twice the size with text wherever the SVG has some', async () => {
    const { svg, png } = await learningCurves(simulate(400, 40), { title: 'Learning curves', subtitle: 'of a test' });
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
    const image = await decode(png);
    expect([image.width, image.height]).toEqual([2 * width!, 2 * height!]);
    const left = Number(/translate\(([\d.]+),/.exec(svg)![1]);
    const title = inked(image, left, 15, left + 200, 40);
    expect(title).toBeGreaterThan(500);
    expect(inked(image, left, 42, left + 200, 60)).toBeGreaterThan(200); // subtitle
    expect(inked(image, 0, 100, left - 4, height! - 60)).toBeGreaterThan(300); // labels of the left axes
    expect(inked(image, left + plotWidth + 4, 100, width!, height! - 60)).toBeGreaterThan(300); // of the right axis
    expect(inked(image, left, height! - 60, left + plotWidth, height! - 10)).toBeGreaterThan(300); // below
    expect(inked(image, 0, 0, width!, 10)).toBe(0);
  });

  it('says what it cannot draw', async () => {
    const log = simulate(3, 1);
    const empty = { steps: [], validations: [] };
    const nothing = { steps: [{ step: 0, loss: Number.NaN, metrics: {} }], validations: [] };
    await expect(learningCurves(empty)).rejects.toMatchObject({ name: 'ProjError', code: 'no-points' });
    await expect(learningCurves(nothing)).rejects.toMatchObject({ code: 'no-points' });
    await expect(learningCurves(log, { metrics: ['top5'] })).rejects.toMatchObject({
      code: 'unknown-metric',
      expected: 'some of charAccuracy, exactMatch',
      received: 'top5',
    });
    await expect(learningCurves(log, { metrics: ['a', 'b', 'c', 'd', 'e'] })).rejects.toMatchObject({
      code: 'invalid-option',
    });
    await expect(learningCurves(log, { over: 'pictures' })).rejects.toMatchObject({ code: 'invalid-option' });
  });
});

const near = (value: number) => expect.closeTo(value, 2);
