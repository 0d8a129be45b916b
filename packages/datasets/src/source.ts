import { checkOptionNames, type FloatImage, type Image, ProjError, type Rng, type RngKey } from '@proj/core';
import type { LabelledFile } from './captcha-folder.js';
import type { DecodeOptions } from './decode-image.js';
import type { ClassifiedFile } from './image-folder.js';
import { type ModuleDescriptor, resolveModule } from './module-descriptor.js';

/** One example as a source gives it. */
export interface Sample {
  readonly image: Image;
  /** Text for a label codec, or the index of a class. */
  readonly label: string | number;
}

/** Numbered examples. `sample(index)` gives the same example whenever and wherever it is asked. */
export interface SampleSource {
  /** Number of examples; `Infinity` where there is one for every index from 0 on. */
  readonly size: number;
  sample(index: number): Sample | Promise<Sample>;
  /** What errors call the example, a path for example. */
  name?(index: number): string;
  /** Called when nothing more is asked for, unless its thread is ended as it stands. */
  close?(): void;
}

/** A generator that draws straight into a batch, such as the styles of `@proj/captcha-gen`. */
export interface PictureGenerator {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Draws picture `index` of the stream `seed` at `target[offset...]` (HWC) and returns its label. */
  generateInto(seed: RngKey, index: number, target: Uint8ClampedArray, offset: number): string | number;
}

/**
 * Changes one picture, or makes real numbers of it, as a normalisation does. Draws random numbers only from `rng`, whose
 * stream belongs to this example of this epoch.
 */
export type Transform = (image: Image, rng: Rng) => Image | FloatImage | Promise<Image | FloatImage>;

/**
 * Plain data from which a worker thread opens a source: it imports `module` and calls `export` with `options`, which
 * must return a {@link SampleSource} or a {@link PictureGenerator} (or a promise of one).
 */
export interface SourceDescriptor extends ModuleDescriptor {
  /** For generators: the stream of pictures. Default 0. */
  readonly seed?: RngKey | undefined;
  /**
   * For generators: pictures 0..size-1 make an epoch, the same in every epoch. Default: endless, none comes twice. Other
   * sources know their size; where it is given here it must be the same.
   */
  readonly size?: number | undefined;
  /**
   * Bytes of examples, as the source gave them, that a loader keeps for all its workers, so that later epochs need not
   * make them again; those that find no more room are made each time. Needs a `size`; at most 4,294,967,296. Default 0.
   */
  readonly cacheBytes?: number | undefined;
}

/** As {@link SourceDescriptor}: `export`, called with `options`, must return a {@link Transform}. */
export type TransformDescriptor = ModuleDescriptor;

/**
 * A stream of generated pictures, for example
 * `generatorSource({ module: '@proj/captcha-gen', export: 'afocus', options: {}, seed: 1 })`. Streams of different
 * seeds are different pictures: train on one, validate on another with a `size`.
 *
 * @throws ProjError `cannot-resolve-module` when `module` is not found from `parentURL`.
 */
export function generatorSource(descriptor: SourceDescriptor): SourceDescriptor {
  const { parentURL: _, ...rest } = descriptor;
  return { ...rest, module: resolveModule(descriptor) };
}

export interface FolderSourceOptions extends DecodeOptions {
  /** As {@link SourceDescriptor.cacheBytes}. Default 268,435,456 (256 MiB); 0 decodes in every epoch. */
  readonly cacheBytes?: number | undefined;
}

const folderSourceOptions: Record<keyof FolderSourceOptions, true> = {
  cacheBytes: true,
  channels: true,
  maxPixels: true,
  background: true,
  resize: true,
  name: true,
};

/** @throws ProjError `invalid-option` where a dataset is given instead of its samples, as JavaScript lets one do. */
export function listOf<T>(samples: readonly T[]): readonly T[] {
  if (Array.isArray(samples)) return samples;
  throw new ProjError('Cannot make a source', {
    code: 'invalid-option',
    expected: 'a list of samples',
    received: typeof samples,
    fix: 'Pass the `samples` of the dataset, or a part of them',
  });
}

/**
 * Pictures from files: those of `captchaFolder(dir).samples` or `imageFolder(dir).samples`, a part of them from a split,
 * or any list of `{path, label}`. All pictures must have one size, or be given one by `resize` or a transform.
 *
 * @throws ProjError `invalid-option`, `unknown-option`.
 */
export function folderSource(
  samples: readonly (LabelledFile | ClassifiedFile)[],
  options: FolderSourceOptions = {},
): SourceDescriptor {
  const module = new URL('./open-folder.js', import.meta.url).href;
  return decodingSource('folderSource', { module, export: 'openFolder' }, samples, options);
}

/** A source of encoded pictures, which is opened by a function that takes `{ samples, ...DecodeOptions }`. */
export function decodingSource(
  owner: string,
  opener: ModuleDescriptor,
  samples: readonly unknown[],
  options: FolderSourceOptions,
): SourceDescriptor {
  checkOptionNames(owner, options, folderSourceOptions);
  const { cacheBytes = 2 ** 28, ...decodeOptions } = options;
  return { ...opener, options: { samples: listOf(samples), ...decodeOptions }, size: samples.length, cacheBytes };
}
