import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afocus } from '@proj/captcha-gen';
import { writeFolder } from '@proj/captcha-gen/node';
import { Rng } from '@proj/core';
import {
  captchaFolder,
  cifar10,
  cifar10Source,
  fixedLength,
  folderSource,
  generatorSource,
  type LoaderOptions,
} from '@proj/datasets';
import { wideResNet } from '@proj/models-resnet';
import { CASES, type Case } from './models.js';

/** So many that those made ahead of a call, four, do not decide how long it takes. */
export const BATCHES_A_CALL = 16;

/** What a loader loads in the benchmark, and the model whose training step it has to keep up with. */
export interface LoaderCase {
  readonly what: string;
  readonly modelName: string;
  readonly model: Pick<Case, 'build' | 'positions' | 'classes'>;
  readonly batchSize: number;
  /** Whether `contestants/torch_loader.py` has the same, by the same name. */
  readonly hasPeer: boolean;
  /** Fills `data`, a new folder. */
  prepare?(data: string): Promise<void>;
  /** @param data the folder that `prepare` has filled. */
  options(data: string): Promise<Pick<LoaderOptions, 'source' | 'codec' | 'transform' | 'stepsPerEpoch' | 'shuffle'>>;
}

const v4 = { modelName: 'v4', model: CASES.v4!, batchSize: 128 };
const generated = (style: object) => ({
  source: generatorSource({
    module: '@proj/captcha-gen',
    export: 'afocus',
    options: style,
    seed: 1,
    parentURL: import.meta.url,
  }),
  stepsPerEpoch: 1_000_000,
});
const fromFolder = async (data: string, cacheBytes: number) => {
  const folder = await captchaFolder(data);
  return { source: folderSource(folder.samples, { cacheBytes }), codec: fixedLength(folder), shuffle: true };
};

export const LOADER_CASES: Readonly<Record<string, LoaderCase>> = {
  'captcha-generator': {
    what: 'captchas 128x64 from a generator',
    ...v4,
    hasPeer: false,
    options: async () => ({ ...generated({}), codec: fixedLength(afocus()) }),
  },
  'captcha-folder': {
    what: 'captchas 128x64 from PNG files',
    ...v4,
    hasPeer: true,
    prepare: writeCaptchas,
    options: (data) => fromFolder(data, 0),
  },
  'captcha-cached': {
    what: 'the same, decoded pictures kept',
    ...v4,
    hasPeer: false,
    prepare: writeCaptchas,
    options: (data) => fromFolder(data, 2 ** 28),
  },
  'captcha-60x200': {
    what: 'captchas 200x60 from a generator',
    modelName: 'resnet34',
    model: CASES.resnet34!,
    batchSize: 32,
    hasPeer: false,
    options: async () => {
      const style = { width: 200, height: 60, length: 6 };
      return { ...generated(style), codec: fixedLength({ ...afocus(style), padded: true }) };
    },
  },
  cifar10: {
    what: 'CIFAR-10, padded, cropped, flipped',
    // The report's 28-10 takes thirteen times as long for a picture, and needs the fewer in a second.
    modelName: 'WideResNet-16-4',
    model: { build: () => wideResNet({ depth: 16, widenFactor: 4, numClasses: 10 }), positions: 1, classes: 10 },
    batchSize: 64,
    hasPeer: true,
    prepare: writeCifar10,
    options: async (data) => ({
      source: cifar10Source((await cifar10(data)).samples),
      transform: {
        module: '@proj/augment',
        export: 'pipeline',
        options: [{ name: 'randomCrop', size: 32, padding: 4 }, { name: 'randomHorizontalFlip' }],
        parentURL: import.meta.url,
      },
      shuffle: true,
    }),
  },
};

async function writeCaptchas(data: string): Promise<void> {
  await writeFolder(afocus(), { count: 2000, seed: 1, out: data });
}

/** Files of CIFAR-10's form with random pixels. */
async function writeCifar10(data: string): Promise<void> {
  const rng = new Rng(1);
  const words = Uint32Array.from({ length: Math.ceil((10_000 * 3073) / 4) }, () => rng.uint32());
  const records = new Uint8Array(words.buffer, 0, 10_000 * 3073);
  for (let k = 0; k < 10_000; k++) records[k * 3073] = k % 10;
  await mkdir(data, { recursive: true });
  for (let file = 1; file <= 5; file++) await writeFile(join(data, `data_batch_${file}.bin`), records);
}
