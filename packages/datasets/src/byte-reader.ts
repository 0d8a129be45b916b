import type { FileHandle } from 'node:fs/promises';

/** Bytes in order, from a file or a stream. */
export interface ByteReader {
  /** Bytes behind it. */
  readonly position: number;
  /** The next `count` bytes, fewer only at the end. What it gives is the caller's own. */
  read(count: number): Promise<Uint8Array>;
  /** Goes on by `count` bytes, even beyond the end. */
  skip(count: number): Promise<void>;
}

const chunkBytes = 64 * 1024;

/** Reads a file in chunks and does not read what is skipped. */
export class FileByteReader implements ByteReader {
  position = 0;
  readonly #file: FileHandle;
  #chunk: Uint8Array = new Uint8Array();
  #chunkStart = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async read(count: number): Promise<Uint8Array> {
    const held = this.position - this.#chunkStart;
    if (count > chunkBytes) {
      const bytes = await this.#from(this.position, count);
      this.position += bytes.length;
      return bytes;
    }
    if (held < 0 || held + count > this.#chunk.length) {
      this.#chunk = await this.#from(this.position, chunkBytes);
      this.#chunkStart = this.position;
    }
    const start = this.position - this.#chunkStart;
    const bytes = this.#chunk.slice(start, start + count);
    this.position += bytes.length;
    return bytes;
  }

  async skip(count: number): Promise<void> {
    this.position += count;
  }

  async #from(start: number, count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    let length = 0;
    while (length < count) {
      const { bytesRead } = await this.#file.read(bytes, length, count - length, start + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  }
}

/** Reads any stream of bytes once. */
export class StreamByteReader implements ByteReader {
  position = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(count: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    while (length < count) {
      const piece = await this.#next(count - length);
      if (piece === undefined) break;
      pieces.push(piece);
      length += piece.length;
    }
    const bytes = new Uint8Array(length);
    let end = 0;
    for (const piece of pieces) {
      bytes.set(piece, end);
      end += piece.length;
    }
    return bytes;
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const piece = await this.#next(left);
      if (piece === undefined) {
        this.position += left;
        return;
      }
      left -= piece.length;
    }
  }

  /** Ends the stream, which is not read to its end where nothing more is asked for. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Some of the next bytes, at most `most`. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    this.position += piece.length;
    return piece;
  }
}
