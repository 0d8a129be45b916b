import { join, resolve } from 'node:path';
import { isProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';
import { learningCurves } from './curves.js';
import { predictionSheet } from './prediction-sheet.js';
import { reportPage } from './report-page.js';
import { type Run, recordOf } from './run.js';

/**
 * Writes what a run came to into `dir`: `report.json`, `report.md`, with a log `curves.svg` and `curves.png`, with
 * predictions `predictions.svg` and `predictions.png`. Every file is written whole or not at all, `report.json` last.
 * In it, numbers that JSON cannot hold are `null`.
 *
 * @returns the paths of the files written, absolute.
 * @throws ProjError `invalid-run` when the run lacks a key of {@link RunRecord}; `disk-full` or `cannot-write`.
 */
export async function writeReport(dir: string, run: Run): Promise<string[]> {
  const record = recordOf(run);
  const { experiment, model, log, predictions = [] } = run;
  const title = run.title ?? `${experiment}, ${model}`;
  const curves = log && (await learningCurves(log, { title: 'Learning curves', subtitle: title }).catch(unlessEmpty));
  const sheet =
    predictions.length > 0 ? await predictionSheet(predictions, { title: `Predictions: ${title}` }) : undefined;
  const figures = { ...(curves && { curves }), ...(sheet && { predictions: sheet }) };

  const files: [name: string, content: string | Uint8Array][] = [
    ...Object.entries(figures).flatMap(([name, { svg, png }]): [string, string | Uint8Array][] => [
      [`${name}.svg`, svg],
      [`${name}.png`, png],
    ]),
    ['report.md', reportPage({ ...run, ...record, title }, Object.keys(figures))],
    ['report.json', `${JSON.stringify(record, null, 2)}\n`],
  ];
  for (const [name, content] of files) await writeFileAtomic(join(dir, name), content);
  return files.map(([name]) => resolve(dir, name));
}

/** A run that ended before its first step is reported without curves. */
function unlessEmpty(error: unknown): undefined {
  if (!isProjError(error, 'no-points')) throw error;
}
