import { createImage, type Image } from '@proj/core';

// The binary version of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html): records of a label byte and the planes of
// red, green and blue, each 32 rows of 32 bytes.
const side = 32;
const planeBytes = side * side;
export const pictureBytes = 3 * planeBytes;
export const recordBytes = 1 + pictureBytes;
/** Records of each of the official files. */
export const recordsPerFile = 10_000;
export const trainFiles = [1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`);
export const testFiles = ['test_batch.bin'];

/** Names of the classes in the order of their numbers. */
export const cifar10Classes: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** A picture of 32x32 RGB from its three planes. */
export function fromPlanes(planes: Uint8Array): Image {
  const image = createImage(side, side, 3);
  const { data } = image;
  for (let i = 0; i < planeBytes; i++) {
    data[3 * i] = planes[i]!;
    data[3 * i + 1] = planes[planeBytes + i]!;
    data[3 * i + 2] = planes[2 * planeBytes + i]!;
  }
  return image;
}
