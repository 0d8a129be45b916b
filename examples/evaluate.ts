// npm run evaluate: how good a saved model is on a labelled folder.
import { captchaFolder, fixedLength, folderSource, loader } from '@proj/datasets';
import { charAccuracy, exactMatch } from '@proj/metrics';
import { evaluate } from '@proj/trainer';
import { commandLine, runCommand, userPath, wholeNumber, wrongCall } from './support/arguments.ts';
import { selectBackend } from './support/backend.ts';
import { openRecogniser } from './support/recogniser.ts';

const usage = `Usage: npm run evaluate -- --model DIR --data DIR [options]

Reads every picture of a folder with a saved model and prints one JSON line {n, exactMatch, charAccuracy}.

  --model DIR      folder of a saved model, for example runs/quickstart/model
  --data DIR       folder of pictures with their labels in the names, or with a labels.csv or labels.jsonl
  --pattern P      where the label stands in a name, for example '{i}_{label}' (default: found out)
  --limit N        measure only N pictures, evenly spaced
  --backend NAME   onednn, wasm, cpu, tfjs-node, tfjs-node-gpu (default: the best there is)
  --json           nothing but the JSON line (with npm run --silent)`;

await runCommand(async () => {
  const { values } = commandLine(usage, {
    model: { type: 'string' },
    data: { type: 'string' },
    pattern: { type: 'string' },
    limit: { type: 'string' },
    backend: { type: 'string' },
    json: { type: 'boolean' },
  });
  if (values.model === undefined || values.data === undefined) wrongCall('--model and --data are needed.', usage);
  const limit = values.limit === undefined ? undefined : wholeNumber('limit', values.limit, 1, usage);

  await selectBackend(values.backend, { quiet: values.json ?? false });
  const { model, charset, length, input } = await openRecogniser(userPath(values.model));
  const folder = await captchaFolder(userPath(values.data), { pattern: values.pattern, limit, charset, length });
  const batches = await loader({
    source: folderSource(folder.samples, { channels: input.channels, resize: input }),
    codec: fixedLength({ charset, length }),
    batchSize: 50,
  });
  try {
    const started = performance.now();
    const { n, metrics } = await evaluate({
      model,
      data: batches,
      metrics: { exactMatch: exactMatch(), charAccuracy: charAccuracy() },
    });
    if (!values.json) {
      const seconds = (performance.now() - started) / 1000;
      console.error(`${n} pictures in ${seconds.toFixed(1)} s (${(n / seconds).toFixed(0)} a second)`);
    }
    console.log(JSON.stringify({ n, ...metrics }));
    return 0;
  } finally {
    await batches.close();
  }
});
