import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { loadModel, saveModel } from '../src/index.js';
import { smallModel } from './fixtures.js';
import { readOnlyFolder, temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is slow with TensorFlow.js's plain backend

beforeAll(() => tf.setBackend('cpu'));

const metadata = { charset: 'abc', length: 2, input: [8, 8, 1], notes: { from: null } };

async function savedModel(): Promise<{ model: tf.LayersModel; dir: string }> {
  const dir = join(temporaryFolder(), 'model');
  const model = smallModel({ dropout: 0.5 });
  model.setUserDefinedMetadata(metadata);
  await saveModel(model, dir);
  return { model, dir };
}

function outputs(model: tf.LayersModel): ArrayLike<number> {
  return tf.tidy(() => (model.predict(tf.range(0, 128).reshape([2, 8, 8, 1])) as tf.Tensor).dataSync());
}

/** Changes in place where weights are said to lie. */
function rewriteJson(
  dir: string,
  change: (json: { weightsSha256?: string; weightsManifest: { paths: string[] }[] }) => void,
): void {
  const path = join(dir, 'model.json');
  const json = JSON.parse(readFileSync(path, 'utf8'));
  change(json);
  writeFileSync(path, JSON.stringify(json));
}

describe('saveModel and loadModel', () => {
  it('keep outputs, names and metadata', async () => {
    const { model, dir } = await savedModel();
    expect(readdirSync(dir).sort()).toEqual(['model.json', 'weights.bin']);
    const loaded = await loadModel(dir);
    expect(outputs(loaded)).toEqual(outputs(model));
    expect(loaded.weights.map(({ originalName }) => originalName)).toEqual(
      model.weights.map(({ originalName }) => originalName),
    );
    expect(loaded.getUserDefinedMetadata()).toEqual(metadata);
    loaded.setUserDefinedMetadata({});
    await saveModel(loaded, dir); // over the old one, whose names tfjs numbers on in this process
    expect(readdirSync(dir).sort()).toEqual(['model.json', 'weights.bin']);
    expect(outputs(await loadModel(dir))).toEqual(outputs(model));
  });

  it('write what a plain tfjs loader reads', async () => {
    const { model, dir } = await savedModel();
    const files = ['model.json', 'weights.bin'].map((name) => new File([readFileSync(join(dir, name))], name));
    class Reader {
      onload: (event: object) => void = () => undefined;
      readAsText = async (file: File) => this.onload({ target: { result: await file.text() } });
      readAsArrayBuffer = async (file: File) => this.onload({ target: { result: await file.arrayBuffer() } });
    }
    const globals = globalThis as { FileReader?: unknown };
    globals.FileReader = Reader;
    try {
      const loaded = await tf.loadLayersModel(tf.io.browserFiles(files));
      expect(outputs(loaded)).toEqual(outputs(model));
      expect(loaded.getUserDefinedMetadata()).toEqual(metadata);
    } finally {
      delete globals.FileReader;
    }
  });

  it('leave no tensor but the loaded model', async () => {
    const { dir } = await savedModel();
    const before = tf.memory().numTensors;
    const loaded = await loadModel(dir);
    expect(tf.memory().numTensors).toBe(before + loaded.weights.length);
    await saveModel(loaded, dir);
    expect(tf.memory().numTensors).toBe(before + loaded.weights.length);
  });

  it.each(['before model.json', 'before weights.bin'])(
    'survive a kill in the middle of replacing: %s',
    async (moment) => {
      const { model, dir } = await savedModel();
      const next = await savedModel();
      const { model: nextModel, dir: nextDir } = next;
      nextModel.getLayer('head').setWeights([tf.ones([36, 6]), tf.ones([6])]);
      await saveModel(nextModel, nextDir);
      // The files as they are on the disk at that moment.
      const { weightsSha256 } = JSON.parse(readFileSync(join(nextDir, 'model.json'), 'utf8'));
      copyFileSync(join(nextDir, 'weights.bin'), join(dir, `weights.${weightsSha256.slice(0, 12)}.bin`));
      if (moment === 'before weights.bin') copyFileSync(join(nextDir, 'model.json'), join(dir, 'model.json'));
      const expected = moment === 'before weights.bin' ? nextModel : model;
      expect(outputs(await loadModel(dir))).toEqual(outputs(expected));
      rmSync(join(dir, 'weights.bin')); // the very first save of a folder
      if (moment === 'before weights.bin') expect(outputs(await loadModel(dir))).toEqual(outputs(expected));
    },
  );

  it('reads weights in several files, as the converters write them, and without our hash', async () => {
    const { model, dir } = await savedModel();
    const bytes = readFileSync(join(dir, 'weights.bin'));
    writeFileSync(join(dir, 'group1-shard1of2.bin'), bytes.subarray(0, 100));
    writeFileSync(join(dir, 'group1-shard2of2.bin'), bytes.subarray(100));
    rmSync(join(dir, 'weights.bin'));
    rewriteJson(dir, (json) => {
      delete json.weightsSha256;
      json.weightsManifest[0]!.paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
    });
    expect(outputs(await loadModel(dir))).toEqual(outputs(model));
    truncateSync(join(dir, 'group1-shard2of2.bin'), 8);
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'invalid-model',
      expected: `${bytes.length} bytes of weights`,
      received: '108 bytes',
    });
  });

  it.each<{ name: string; damage: (dir: string) => void; code: string; message: RegExp }>([
    {
      name: 'a folder that is not there',
      damage: (dir) => renameSync(dir, `${dir}2`),
      code: 'model-not-found',
      message: /no model/,
    },
    {
      name: 'no model.json',
      damage: (dir) => rmSync(join(dir, 'model.json')),
      code: 'model-not-found',
      message: /model\.json/,
    },
    {
      name: 'model.json cut short',
      damage: (dir) => truncateSync(join(dir, 'model.json'), 99),
      code: 'invalid-model',
      message: /JSON/,
    },
    {
      name: 'another JSON',
      damage: (dir) => writeFileSync(join(dir, 'model.json'), '{"a":1}'),
      code: 'invalid-model',
      message: /keys a/,
    },
    {
      name: 'null',
      damage: (dir) => writeFileSync(join(dir, 'model.json'), 'null'),
      code: 'invalid-model',
      message: /modelTopology/,
    },
    {
      name: 'no weights',
      damage: (dir) => rmSync(join(dir, 'weights.bin')),
      code: 'invalid-model',
      message: /weights\.bin/,
    },
    {
      name: 'weights cut short',
      damage: (dir) => truncateSync(join(dir, 'weights.bin'), 10),
      code: 'invalid-model',
      message: /SHA-256/,
    },
    {
      name: 'a layer nobody knows',
      damage: (dir) =>
        writeFileSync(
          join(dir, 'model.json'),
          readFileSync(join(dir, 'model.json'), 'utf8').replaceAll('"Flatten"', '"Fltn"'),
        ),
      code: 'invalid-model',
      message: /Unknown layer: Fltn/,
    },
    {
      name: 'a weight file outside of the folder',
      damage: (dir) =>
        rewriteJson(dir, (json) => {
          json.weightsManifest[0]!.paths = ['../weights.bin'];
        }),
      code: 'invalid-model',
      message: /same folder.*\.\.\/weights\.bin/,
    },
  ])('$name is refused', async ({ damage, code, message }) => {
    const { dir } = await savedModel();
    damage(dir);
    await expect(loadModel(dir)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    await expect(loadModel(dir)).rejects.toThrow(basename(dir));
  });

  it('a model whose weights share a name is refused before anything is written', async () => {
    const dir = join(temporaryFolder(), 'model');
    const inner = (name: string) =>
      tf.sequential({ name, layers: [tf.layers.dense({ units: 2, inputShape: [2], name: 'same' })] });
    const model = tf.sequential({ layers: [inner('a'), inner('b')] });
    await expect(saveModel(model, dir)).rejects.toMatchObject({ code: 'duplicate-weight-name' });
    await expect(loadModel(dir)).rejects.toMatchObject({ code: 'model-not-found' });
  });

  it('a folder that cannot be written to is an error', async ({ skip }) => {
    const dir = readOnlyFolder();
    if (dir === undefined) skip('root, but without the right to mount a read-only file system');
    await expect(saveModel(smallModel(), dir!)).rejects.toMatchObject({ code: 'cannot-write' });
  });
});
