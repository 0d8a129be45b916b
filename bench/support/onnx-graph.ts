import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** ONNX's messages as onnx.proto has them, enums by name. */
export interface OnnxModel {
  readonly ir_version: number;
  readonly producer_name: string;
  readonly opset_import: readonly { readonly domain: string; readonly version: number }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly OnnxNode[];
    readonly initializer: readonly OnnxTensor[];
    readonly input: readonly OnnxValueInfo[];
    readonly output: readonly OnnxValueInfo[];
  };
}

interface OnnxNode {
  readonly name: string;
  readonly op_type: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly OnnxAttribute[];
}

type OnnxAttribute = { readonly name: string } & (
  | { readonly type: 'FLOAT'; readonly f: number }
  | { readonly type: 'INT'; readonly i: number }
  | { readonly type: 'INTS'; readonly ints: readonly number[] }
);

interface OnnxTensor {
  readonly name: string;
  readonly data_type: 'FLOAT' | 'INT64';
  readonly dims: readonly number[];
  readonly raw_data: Uint8Array;
}

interface OnnxValueInfo {
  readonly name: string;
  readonly type: {
    readonly tensor_type: {
      readonly elem_type: 'FLOAT';
      readonly shape: { readonly dim: readonly ({ readonly dim_value: number } | { readonly dim_param: string })[] };
    };
  };
}

/** Whole numbers, or one that is not. */
type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** Version 17 of the operators: the newest that all runtimes of the last years know. */
const OPERATOR_SET = 17;
const IR_VERSION = 8;

const ModelProto = new protobuf.Root()
  .loadSync(fileURLToPath(new URL('onnx.proto', import.meta.url)), { keepCase: true })
  .lookupType('onnx.ModelProto');

export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  const options = { longs: Number, enums: String, arrays: true };
  return ModelProto.toObject(ModelProto.decode(bytes), options) as OnnxModel;
}

/**
 * A graph under construction. Nodes are added in the order of their computation. A name stands for one thing: what is asked
 * for a second time is not made again.
 */
export class OnnxGraph {
  private readonly nodes: OnnxNode[] = [];
  private readonly constants: OnnxTensor[] = [];
  private readonly names = new Set<string>();

  /** Gives the name of the node's output, which is its own. */
  node(name: string, operator: string, input: readonly string[], attributes: Attributes = {}): string {
    const attribute = Object.entries(attributes).map(([key, value]): OnnxAttribute => {
      if (typeof value === 'number') return { name: key, type: 'INT', i: value };
      if ('float' in value) return { name: key, type: 'FLOAT', f: value.float };
      return { name: key, type: 'INTS', ints: value };
    });
    if (this.isNew(name)) this.nodes.push({ name, op_type: operator, input, output: [name], attribute });
    return name;
  }

  /** Gives its name. */
  floats(name: string, dims: readonly number[], data: Float32Array): string {
    return this.constant({ name, data_type: 'FLOAT', dims, raw_data: bytesOf(data) });
  }

  /** A vector of whole numbers; gives its name. */
  integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant({ name, data_type: 'INT64', dims: [values.length], raw_data: bytesOf(data) });
  }

  /** The serialised model. Shapes are those of the tensors, `null` where a dimension is free. */
  serialise(name: string, inputs: readonly NamedShape[], outputs: readonly NamedShape[]): Uint8Array {
    const model: OnnxModel = {
      ir_version: IR_VERSION,
      producer_name: 'proj',
      opset_import: [{ domain: '', version: OPERATOR_SET }],
      graph: {
        name,
        node: this.nodes,
        initializer: this.constants,
        input: inputs.map(valueInfo),
        output: outputs.map(valueInfo),
      },
    };
    return ModelProto.encode(ModelProto.fromObject(model)).finish();
  }

  private constant(tensor: OnnxTensor): string {
    if (this.isNew(tensor.name)) this.constants.push(tensor);
    return tensor.name;
  }

  private isNew(name: string): boolean {
    return this.names.size < this.names.add(name).size;
  }
}

interface NamedShape {
  readonly name: string;
  readonly shape: readonly (number | null)[];
}

function valueInfo({ name, shape }: NamedShape): OnnxValueInfo {
  const dim = shape.map((size, i) =>
    size === null ? { dim_param: i === 0 ? 'batch' : `${name}_${i}` } : { dim_value: size },
  );
  return { name, type: { tensor_type: { elem_type: 'FLOAT', shape: { dim } } } };
}

/** ONNX has little-endian bytes, as every platform of Node. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
