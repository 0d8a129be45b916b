// npm run solve: what a saved model reads in pictures.
import { isProjError } from '@proj/core';
import { decodeImage } from '@proj/datasets';
import { commandLine, runCommand, userPath, wrongCall } from './support/arguments.ts';
import { selectBackend } from './support/backend.ts';
import { openRecogniser } from './support/recogniser.ts';

const usage = `Usage: npm run solve -- --model DIR [--backend NAME] IMAGE...

Reads captchas with a saved model: a line a picture with its file, the text and the confidence (0..1), parted by tabs.
A picture that cannot be read is named on the error output; the others are still read, and the exit code is 1.`;

await runCommand(async () => {
  const { values, positionals } = commandLine(
    usage,
    { model: { type: 'string' }, backend: { type: 'string' } },
    { allowPositionals: true },
  );
  if (values.model === undefined || positionals.length === 0) wrongCall('--model and a picture are needed.', usage);

  await selectBackend(values.backend);
  const { input, read } = await openRecogniser(userPath(values.model));
  let failures = 0;
  for (const file of positionals) {
    try {
      const image = await decodeImage(userPath(file), { channels: input.channels, resize: input });
      const [reading] = await read([image]);
      if (reading !== undefined) console.log(`${file}\t${reading.text}\t${reading.confidence.toFixed(4)}`);
    } catch (error) {
      if (!isProjError(error)) throw error;
      console.error(error.message);
      failures++;
    }
  }
  return failures > 0 ? 1 : 0;
});
