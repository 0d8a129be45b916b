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

/** So many that those made ahead of a call, four, do not decide how long it takes. */
export const BATCHES_A_CALL = 16;

/** What a loader loads in the benchmark, and the model whose training step it has to keep up with. */
export interface LoaderCase {
  readonly what: string;
  /** Of `models.ts`. */
  readonly model: string;
  readonly batchSize: number;
  /** Whether `contestants/torch_loader.py` has the same, by the same name. */
  readonly hasPeer: boolean;
  /** @param data the folder that {@link prepareData} fills. */
  options(data: string): Promise<Pick<LoaderOptions, 'source' | 'codec' | 'transform' | 'stepsPerEpoch' | 'shuffle'>>;
}

const report = { width: 200, height: 60, length: 6 };
const generated = (options: object) => ({
  source: generatorSource({
    module: '@proj/captcha-gen',
    export: 'afocus',
    options,
    seed: 1,
    parentURL: import.meta.url,
  }),
  codec: fixedLength(afocus(options)),
  stepsPerEpoch: 1_000_000,
});
const fromFolder = async (data: string, cacheBytes: number) => {
  const folder = await captchaFolder(join(data, 'captchas'));
  return { source: folderSource(folder.samples, { cacheBytes }), codec: fixedLength(folder), shuffle: true };
};

export const LOADER_CASES: Readonly<Record<string, LoaderCase>> = {
  'captcha-generator': {
    what: 'captchas 128x64 from a generator',
    model: 'v4',
    batchSize: 128,
    hasPeer: false,
    options: async () => generated({}),
  },
  'captcha-folder': {
    what: 'captchas 128x64 from PNG files',
    model: 'v4',
    batchSize: 128,
    hasPeer: true,
    options: (data) => fromFolder(data, 0),
  },
  'captcha-cached': {
    what: 'the same, decoded pictures kept',
    model: 'v4',
    batchSize: 128,
    hasPeer: false,
    options: (data) => fromFolder(data, 2 ** 28),
  },
  'captcha-60x200': {
    what: 'captchas 200x60 from a generator',
    model: 'resnet34',
    batchSize: 32,
    hasPeer: false,
    options: async () => generated(report),
  },
  cifar10: {
    what: 'CIFAR-10, padded, cropped, flipped',
    model: 'wideresnet',
    batchSize: 32,
    hasPeer: true,
    options: async (data) => ({
      source: cifar10Source((await cifar10(join(data, 'cifar10'))).samples),
      transform: { module: new URL('./pad-crop-flip.mjs', import.meta.url).href, export: 'padCropFlip' },
      shuffle: true,
    }),
  },
};

/** Writes 2,000 captchas as PNG files, and files of CIFAR-10's form with random pixels. */
export async function prepareData(data: string): Promise<void> {
  await writeFolder(afocus(), { count: 2000, seed: 1, out: join(data, 'captchas') });
  const rng = new Rng(1);
  const words = Uint32Array.from({ length: Math.ceil((10_000 * 3073) / 4) }, () => rng.uint32());
  const records = new Uint8Array(words.buffer, 0, 10_000 * 3073);
  for (let k = 0; k < 10_000; k++) records[k * 3073] = k % 10;
  await mkdir(join(data, 'cifar10'));
  for (let file = 1; file <= 5; file++) await writeFile(join(data, 'cifar10', `data_batch_${file}.bin`), records);
}
