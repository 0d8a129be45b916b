import { createImage, ProjError } from '@proj/core';
import { callExport, type ModuleDescriptor } from './module-descriptor.js';
import type { PictureGenerator, SampleSource, SourceDescriptor, Transform, TransformDescriptor } from './source.js';

/** A source as batches are made from it. */
export interface OpenedSource extends SampleSource {
  name(index: number): string;
  /** Where pictures can be drawn without a copy: their shape and how. */
  readonly direct?: {
    readonly shape: readonly [height: number, width: number, channels: number];
    readonly drawInto: (index: number, target: Uint8ClampedArray, offset: number) => string | number;
  };
}

/** @throws ProjError `cannot-open-source`, also when what the module gives is no source. */
export async function openSource(descriptor: SourceDescriptor): Promise<OpenedSource> {
  const opened = await callExport(descriptor, 'source');
  if (isGenerator(opened)) return openGenerator(opened, descriptor);
  if (isSampleSource(opened)) {
    if (descriptor.size !== undefined && descriptor.size !== opened.size) {
      throw new ProjError(`Cannot use what '${descriptor.export}' of ${descriptor.module} returns`, {
        code: 'cannot-open-source',
        expected: `${descriptor.size} examples, as the descriptor says`,
        received: String(opened.size),
      });
    }
    return {
      size: opened.size,
      sample: (index) => opened.sample(index),
      name: (index) => opened.name?.(index) ?? `sample ${index}`,
      close: () => opened.close?.(),
    };
  }
  throw wrongResult(
    descriptor,
    'an object with `size` and `sample(index)`, or a generator with `generateInto`',
    opened,
  );
}

/** @throws ProjError `cannot-open-source`. */
export async function openTransform(descriptor: TransformDescriptor): Promise<Transform> {
  const opened = await callExport(descriptor, 'transform');
  if (typeof opened === 'function') return opened as Transform;
  throw wrongResult(descriptor, 'a function `(image, rng) => image`', opened);
}

function openGenerator(generator: PictureGenerator, { seed = 0, size }: SourceDescriptor): OpenedSource {
  const { width, height, channels } = generator;
  return {
    size: size ?? Number.POSITIVE_INFINITY,
    name: (index) => `picture ${index} of seed ${seed}`,
    sample(index) {
      const image = createImage(width, height, channels);
      return { image, label: generator.generateInto(seed, index, image.data, 0) };
    },
    direct: {
      shape: [height, width, channels],
      drawInto: (index, target, offset) => generator.generateInto(seed, index, target, offset),
    },
  };
}

function isGenerator(opened: unknown): opened is PictureGenerator {
  return typeof opened === 'object' && opened !== null && 'generateInto' in opened;
}

function isSampleSource(opened: unknown): opened is SampleSource {
  return (
    typeof opened === 'object' &&
    opened !== null &&
    'sample' in opened &&
    typeof opened.sample === 'function' &&
    'size' in opened &&
    (Number.isInteger(opened.size) || opened.size === Number.POSITIVE_INFINITY)
  );
}

function wrongResult(descriptor: ModuleDescriptor, expected: string, received: unknown): ProjError {
  const keys = typeof received === 'object' && received !== null ? Object.keys(received).join(', ') : undefined;
  return new ProjError(`Cannot use what '${descriptor.export}' of ${descriptor.module} returns`, {
    code: 'cannot-open-source',
    expected,
    received: keys === undefined ? String(received) : `an object with ${keys || 'nothing'}`,
  });
}
