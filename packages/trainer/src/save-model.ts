import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';
import * as tf from '@tensorflow/tfjs';
import { namedVariables } from './model-weights.js';

const MODEL_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';

/** The parts of a `model.json` that matter here, as tfjs writes it; `weightsSha256` is ours and ignored by others. */
interface ModelJson extends tf.io.ModelJSON {
  readonly weightsSha256?: string;
}

/**
 * Saves a model in TensorFlow.js's own layers format: `model.json` with topology and user-defined metadata, and
 * `weights.bin`. Any tfjs loader reads it. At every moment the folder holds one whole model that {@link loadModel} can
 * read: the old one until the new one is safely on the disk.
 *
 * @throws ProjError `disk-full`, `cannot-write`; `duplicate-weight-name` for a model that could not be loaded again.
 */
export async function saveModel(model: tf.LayersModel, dir: string): Promise<void> {
  namedVariables(model);
  await model.save({
    save: async (artifacts) => {
      const weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData));
      const sha256 = sha256Of(weights);
      const { modelTopology, format, generatedBy, convertedBy, userDefinedMetadata } = artifacts;
      const manifest = [{ paths: [WEIGHTS_FILE], weights: artifacts.weightSpecs }];
      const facts = { format, generatedBy, convertedBy, userDefinedMetadata, weightsSha256: sha256 };
      const json = JSON.stringify({ modelTopology, ...facts, weightsManifest: manifest });
      // Two files cannot be replaced at once. Until the last rename the new weights wait under their own name, where
      // loadModel finds them by their hash.
      const waiting = join(dir, waitingName(sha256));
      await writeFileAtomic(waiting, weights);
      await writeFileAtomic(join(dir, MODEL_FILE), json);
      await rename(waiting, join(dir, WEIGHTS_FILE));
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    },
  });
}

/**
 * Loads a model in TensorFlow.js's layers format from a folder: what {@link saveModel}, tfjs or its converter wrote, in
 * one or several weight files. Layers come from those registered with tfjs; no code is taken from the files.
 *
 * @throws ProjError `model-not-found` when there is no `model.json`; `invalid-model` when it or its weights are damaged,
 *   incomplete, or name a layer that is not registered.
 */
export async function loadModel(dir: string): Promise<tf.LayersModel> {
  const invalid = (expected: string, received: string, cause?: unknown) =>
    new ProjError(`Cannot load the model in ${dir}`, {
      code: 'invalid-model',
      expected,
      received,
      fix: 'Save the model again, or take an intact copy of the folder',
      cause,
    });
  const json = await readModelJson(dir, invalid);
  const groups = json.weightsManifest;
  const paths = groups.flatMap((group) => group.paths);
  const strange = paths.find((path) => !/^[\w.-]+$/.test(path) || /^\.+$/.test(path));
  if (strange !== undefined) throw invalid('weight files in the same folder', JSON.stringify(strange));

  const weights = await readWeights(dir, paths, json.weightsSha256, invalid);
  const weightSpecs = groups.flatMap((group) => group.weights);
  const size = byteLength(weightSpecs);
  if (size !== undefined && size !== weights.length)
    throw invalid(`${size} bytes of weights`, `${weights.length} bytes`);

  try {
    return await tf.loadLayersModel({
      load: async () => ({
        modelTopology: json.modelTopology,
        weightSpecs,
        weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length) as ArrayBuffer,
        ...(json.userDefinedMetadata && { userDefinedMetadata: json.userDefinedMetadata }),
      }),
    });
  } catch (cause) {
    throw invalid('a model that tfjs can build', (cause as Error).message, cause);
  }
}

type Invalid = (expected: string, received: string, cause?: unknown) => ProjError;

async function readModelJson(dir: string, invalid: Invalid): Promise<ModelJson> {
  const path = join(dir, MODEL_FILE);
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new ProjError(`There is no model in ${dir}`, {
      code: 'model-not-found',
      expected: `a file ${MODEL_FILE} that may be read`,
      received: cause.message,
      fix: 'Check the folder; a model is saved by saveModel',
      cause,
    });
  });
  let json: Partial<ModelJson> | null;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`JSON in ${MODEL_FILE}`, (cause as Error).message, cause);
  }
  const { modelTopology, weightsManifest } = json ?? {};
  const isManifest =
    Array.isArray(weightsManifest) &&
    weightsManifest.every((group) => isTexts(group?.paths) && Array.isArray(group.weights));
  if (typeof modelTopology !== 'object' || modelTopology === null || !isManifest) {
    throw invalid(`modelTopology and weightsManifest in ${MODEL_FILE}`, `keys ${Object.keys(json ?? {}).join(', ')}`);
  }
  return json as ModelJson;
}

/** The weight files one after the other, or what {@link saveModel} was about to put in their place when it was killed. */
async function readWeights(
  dir: string,
  paths: readonly string[],
  sha256: string | undefined,
  invalid: Invalid,
): Promise<Uint8Array> {
  const read = Promise.all(paths.map((path) => readFile(join(dir, path))));
  const weights = await read.then(Buffer.concat).catch((cause: Error) => cause);
  if (Buffer.isBuffer(weights) && (sha256 === undefined || sha256Of(weights) === sha256)) return weights;
  if (sha256 !== undefined) {
    const waiting = await readFile(join(dir, waitingName(sha256))).catch(() => undefined);
    if (waiting !== undefined && sha256Of(waiting) === sha256) return waiting;
  }
  if (weights instanceof Error) throw invalid(`the weight files ${paths.join(', ')}`, weights.message, weights);
  throw invalid('weights that match their SHA-256', `others in ${paths.join(', ')}: the file is damaged`);
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 };

/** Size of the weights by the manifest; undefined when it holds types of no fixed size. */
function byteLength(specs: readonly tf.io.WeightsManifestEntry[]): number | undefined {
  let sum = 0;
  for (const { shape, dtype, quantization } of specs) {
    const bytes = BYTES[quantization?.dtype ?? dtype];
    if (bytes === undefined) return undefined;
    sum += shape.reduce((product, side) => product * side, bytes);
  }
  return sum;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function waitingName(sha256: string): string {
  return `weights.${sha256.slice(0, 12)}.bin`;
}
