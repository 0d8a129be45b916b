// npm run quickstart: from a fresh clone to a trained captcha recogniser. Pictures, model, training, measuring, report:
// read it from top to bottom.
import { dirname, join } from 'node:path';
import { charAccuracy, exactMatch } from '@proj/metrics';
import { captchaV4 } from '@proj/models-captcha';
import { adamW, noDecayOnBiasAndNorm } from '@proj/optimizers';
import { confusedCharacters, gitCommit, machineInfo, readLog, tensorboard, writeReport } from '@proj/report';
import { cosine, warmup } from '@proj/schedulers';
import { trace } from '@proj/tfjs-backend-onednn';
import { consoleProgress, fit, jsonlLog, saveModel, softmaxCrossEntropyPerPosition } from '@proj/trainer';
import { commandLine, runCommand, shownPath, userPath, wholeNumber } from '../support/arguments.ts';
import { selectBackend } from '../support/backend.ts';
import { readAll } from '../support/recogniser.ts';
import { openRunFolder } from '../support/run-folder.ts';
import { captchas, charset, unseenCaptchas } from './pictures.ts';
import { full, quick } from './recipe.ts';

const usage = `Usage: npm run quickstart -- [options]

Draws captchas, trains a recogniser on them for at most ${full.maxMinutes} minutes, measures it on ${full.unseenPictures} unseen ones, and
writes model, checkpoints, log, TensorBoard events, curves, a sheet of predictions and a report. Ctrl-C saves and stops.

  --out DIR        where to write (default runs/quickstart); an earlier run there is kept beside it
  --seed N         decides pictures, initial weights and order (default 1)
  --quick          a small form of about a minute that goes the whole way, also on slow backends
  --backend NAME   onednn, wasm, cpu, tfjs-node, tfjs-node-gpu (default: the best there is)
  --resume         go on from the last checkpoint in DIR`;

await runCommand(async () => {
  const { values } = commandLine(usage, {
    out: { type: 'string', default: 'runs/quickstart' },
    seed: { type: 'string' },
    quick: { type: 'boolean' },
    backend: { type: 'string' },
    resume: { type: 'boolean', default: false },
  });
  const out = userPath(values.out);
  const asked = {
    ...(values.seed === undefined ? {} : { seed: wholeNumber('seed', values.seed, 0, usage) }),
    ...(values.quick === undefined ? {} : { recipe: quick }),
  };
  const settings = { seed: 1, recipe: full, backend: values.backend ?? 'auto', ...asked };
  // A backend that does not work here is an error before an earlier run is moved aside.
  const chosen = values.resume && values.backend === undefined ? undefined : await selectBackend(settings.backend);
  const run = await openRunFolder(out, { resume: values.resume, settings, asked });
  const { seed, recipe } = run;
  const backend = chosen ?? (await selectBackend(run.backend));

  // Pictures: ten epochs with a validation after each; no label stands on two sides.
  const epochs = 10;
  const stepsPerEpoch = Math.ceil(recipe.totalSteps / epochs);
  const train = await captchas(recipe, { part: 'train', seed, stepsPerEpoch });
  const validation = await captchas(recipe, { part: 'validation', seed, size: recipe.validationPictures });

  // Model.
  const { width, height, length } = recipe.captcha;
  const model = captchaV4({ charset, length, inputShape: [height, width, 3], width: recipe.width, seed });

  // Training: the schedule follows the share of steps or of time that is over, whichever is larger.
  const { peakLearningRate, warmupFraction, weightDecay } = recipe;
  const result = await fit({
    model,
    optimizer: adamW({ weightDecay, groups: [noDecayOnBiasAndNorm()] }),
    loss: softmaxCrossEntropyPerPosition,
    schedule: warmup({
      steps: warmupFraction,
      schedule: cosine({ from: peakLearningRate, to: 0, steps: 1 - warmupFraction }),
    }),
    scheduleBy: 'progress',
    train,
    validation,
    epochs,
    maxDurationMs: recipe.maxMinutes * 60_000,
    metrics: { charAccuracy: charAccuracy(), exactMatch: exactMatch() },
    trace,
    checkpoint: { dir: join(out, 'checkpoints'), ...recipe.checkpoint },
    resume: values.resume,
    seed,
    onEvent: [
      consoleProgress({ metrics: { charAccuracy: { label: 'characters' }, exactMatch: { label: 'exact' } } }),
      jsonlLog(join(out, 'log.jsonl')),
      tensorboard(join(out, 'tensorboard')),
    ],
    handleSignals: true,
  });
  await Promise.all([train.close(), validation.close()]);
  const again = `npm run quickstart -- --resume${values.out === 'runs/quickstart' ? '' : ` --out ${shownPath(out)}`}`;
  if (result.reason === 'signal') {
    console.log(`\nStopped and saved after ${result.step} steps. To go on: ${again}`);
    return 130;
  }
  process.once('SIGINT', () => {
    console.log(`\nStopped after the training, which is saved. To measure and report: ${again}`);
    process.exit(130);
  });
  await saveModel(model, join(out, 'model'));

  // Measuring, on labels that no training or validation picture had.
  console.log(`Reading ${recipe.unseenPictures} unseen captchas`);
  const readings = await readAll(model, unseenCaptchas(recipe, seed), recipe.batchSize);
  const truths = readings.map(({ truth }) => truth);
  const texts = readings.map(({ prediction }) => prediction);
  const confusions = confusedCharacters(truths, texts);
  const misread = confusions.reduce((sum, { count }) => sum + count, 0);
  const final = {
    exactMatch: readings.filter(({ truth, prediction }) => truth === prediction).length / readings.length,
    charAccuracy: 1 - misread / (readings.length * length),
  };

  // Report.
  await writeReport(out, {
    experiment: 'quickstart',
    title: 'Quickstart: captchas with model v4',
    model: 'v4',
    seed,
    commit: await gitCommit(import.meta.dirname),
    machine: await machineInfo(),
    backend,
    precision: 'float32',
    settings: { ...recipe, unseenPictures: readings.length, parameters: model.countParams(), optimizer: 'adamw' },
    seconds: result.elapsedMs / 1000,
    epochs: result.history.epochs,
    final,
    log: await readLog(join(out, 'log.jsonl')),
    predictions: readings.slice(0, 32),
    confusions,
  });

  const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
  const folder = shownPath(out);
  const more = shownPath(join(dirname(out), 'captchas'));
  console.log(`
${percent(final.exactMatch)} of ${readings.length} unseen captchas read exactly (${percent(final.charAccuracy)} of their characters)
after ${(result.elapsedMs / 60_000).toFixed(1)} minutes of training on ${result.examplesSeen.toLocaleString('en')} captchas, backend ${backend}.

  ${folder}/report.md          the report, with settings and figures
  ${folder}/curves.png         loss and accuracy
  ${folder}/predictions.png    32 of the unseen captchas and what was read
  ${folder}/model              the model, for any TensorFlow.js program
  ${folder}/tensorboard        for \`tensorboard --logdir\`

Next:
  npx captcha-gen --style afocus --count 20 --out ${more} --seed 7
  npm run solve -- --model ${folder}/model ${more}/*.png
  npm run evaluate -- --model ${folder}/model --data ${more}`);
  return 0;
});
