import type { ResizeBilinearAttrs, ResizeBilinearGradAttrs } from '@tensorflow/tfjs';
import { type Inputs, isEmpty, isFloat, registerNative, runOne } from './register.js';

/** Input pixels for one output pixel. */
function scale(input: number, output: number, alignCorners: boolean): number {
  return alignCorners && output > 1 ? (input - 1) / (output - 1) : input / output;
}

export function registerResize(): void {
  registerNative<Inputs<'images'>, ResizeBilinearAttrs>('ResizeBilinear', (backend, { images }, attrs) => {
    const { alignCorners, halfPixelCenters, size } = attrs;
    if (!isFloat(images) || isEmpty(images.shape)) return undefined;
    const [batch, height, width, channels] = images.shape as [number, number, number, number];
    return runOne(
      backend,
      'resize_bilinear',
      [images],
      [{ shape: [batch, size[0], size[1], channels], dtype: 'float32' }],
      [scale(height, size[0], alignCorners), scale(width, size[1], alignCorners), halfPixelCenters ? 1 : 0],
    );
  });

  registerNative<Inputs<'images' | 'dy'>, ResizeBilinearGradAttrs>(
    'ResizeBilinearGrad',
    (backend, { images, dy }, { alignCorners }) => {
      if (!isFloat(images, dy) || isEmpty(images.shape, dy.shape)) return undefined;
      const [, height, width] = images.shape as [number, number, number, number];
      const [, newHeight, newWidth] = dy.shape as [number, number, number, number];
      return runOne(
        backend,
        'resize_bilinear_grad',
        [dy],
        [{ shape: images.shape, dtype: 'float32' }],
        [scale(height, newHeight, alignCorners), scale(width, newWidth, alignCorners)],
      );
    },
  );
}
