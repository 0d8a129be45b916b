import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderBeside, provideBeside } from '../../scripts/setup/beside.mjs';
import { StepFailure } from '../../scripts/setup/process.mjs';

/** The workspace does without: 290 MB, and an install script that downloads more for GPUs. */
const PACKAGE = 'onnxruntime-node@1.30.0';

/**
 * The folder whose `node_modules` has onnxruntime-node, brought through npm at the first call. Where that is impossible
 * there is none, and a line says why.
 */
export async function provideOnnxruntime(): Promise<string | undefined> {
  try {
    return await provideBeside(PACKAGE, ['--ignore-scripts']);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    console.error(`No onnxruntime-node beside: ${error.explain()}`);
    return undefined;
  }
}

/** The same folder if it is there already. */
export function presentOnnxruntime(): string | undefined {
  return folderBeside(PACKAGE);
}

/** The package from the folder that {@link provideOnnxruntime} gives. */
export function loadOnnxruntime(folder: string): OnnxRuntime {
  return createRequire(join(folder, 'package.json'))('onnxruntime-node') as OnnxRuntime;
}

/** Opens a model's file, and removes the empty log that the library's telemetry then leaves in the temporary folder. */
export async function openSession(
  { InferenceSession }: OnnxRuntime,
  path: string,
  options: Readonly<Record<string, unknown>>,
): Promise<InferenceSession> {
  const session = await InferenceSession.create(path, options);
  rmSync(join(tmpdir(), `mat-debug-${process.pid}.log`), { force: true });
  return session;
}

/** What is used of onnxruntime-node, which the workspace does not depend on. */
interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string, options: Readonly<Record<string, unknown>>): Promise<InferenceSession>;
  };
  readonly env: { readonly versions: { readonly node?: string } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}

interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: Float32Array }>>>;
}
