import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProjError } from '@proj/core';
import { makeFolder } from '@proj/core/node';

export interface DownloadOptions {
  /** Of the whole file, in hexadecimal. */
  readonly md5: string;
  /** Tries without a further byte until it gives up. Default 5. */
  readonly attempts?: number | undefined;
  /** Before the second try, twice as long before each further one. Default 1,000. */
  readonly retryDelayMs?: number | undefined;
  /** A connection that brings nothing for so long is broken off. Default 30,000. */
  readonly stallMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that are there, and in all where the server tells. */
  readonly onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
}

const maxRedirects = 5;

/**
 * Fetches a file by HTTP or HTTPS. Until it is whole and its checksum right it stands in `<path>.part`, from where a
 * later call goes on (a `Range` request; from the start where the server does not take it). A file at `path` is kept
 * when its checksum is right, and never overwritten.
 *
 * @throws ProjError `download-failed`, `checksum-mismatch`, `cannot-write`, `disk-full`; the signal's reason on abort.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const { md5, attempts = 5, retryDelayMs = 1000, signal } = options;
  if ((await sizeOf(path)) !== undefined) return checkSum(path, md5, 'Move it away, then it is fetched again');
  const partial = `${path}.part`;
  await makeFolder(dirname(path)).catch((cause: unknown) => {
    throw cannotWrite(dirname(path), cause);
  });
  for (let failures = 0, before = await sizeOf(partial); ; ) {
    signal?.throwIfAborted();
    try {
      await fetchRest(url, partial, options);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      const now = await sizeOf(partial);
      failures = (now ?? 0) > (before ?? 0) ? 1 : failures + 1;
      before = now;
      if (isFinal(error) || failures >= attempts) throw failed(url, partial, error);
      await sleep(retryDelayMs * 2 ** (failures - 1), undefined, { signal }).catch(() => undefined);
    }
  }
  await checkSum(partial, md5, 'Call again, and it is fetched from the start', true);
  await rename(partial, path).catch((cause: unknown) => {
    throw cannotWrite(path, cause);
  });
}

/** What stands in the way whatever the number of tries. */
class FinalError extends Error {}

const isFinal = (error: unknown) => error instanceof FinalError || isOfDisk(error);
const isOfDisk = (error: unknown) =>
  ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** One connection: what is missing in the file at `partial`. */
async function fetchRest(url: string, partial: string, options: DownloadOptions): Promise<void> {
  const { stallMs = 30_000, signal, onProgress } = options;
  const have = (await sizeOf(partial)) ?? 0;
  const response = await request(new URL(url), have, { stallMs, signal });
  const { statusCode = 0, headers } = response;
  const range = /^bytes (?:([0-9]+)-[0-9]+|\*)\/([0-9]+|\*)$/.exec(headers['content-range'] ?? '');
  const goesOn = statusCode === 206 && Number(range?.[1]) === have;
  if (statusCode === 416 && range !== null) {
    response.destroy();
    if (Number(range[2]) === have) return; // nothing is missing
    await rm(partial, { force: true });
    throw new Error(`${have} bytes are there, more than the ${range[2]} that the server has`);
  }
  if (statusCode !== 200 && !goesOn) {
    response.destroy();
    if (statusCode === 206) await rm(partial, { force: true }); // another range than was asked for
    const reason = `the server answers ${statusCode} ${response.statusMessage ?? ''}`.trim();
    throw statusCode >= 400 && statusCode < 500 && ![408, 425, 429].includes(statusCode)
      ? new FinalError(reason)
      : new Error(reason);
  }
  let bytes = goesOn ? have : 0;
  const length = headers['content-length'];
  const total = length === undefined ? undefined : bytes + Number(length);
  let broken: unknown;
  // What came before the connection broke off is written, so that each connection brings the file further.
  async function* received(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        onProgress?.(bytes, total);
        yield chunk;
      }
    } catch (error) {
      broken = error;
    }
  }
  const target = createWriteStream(partial, { flags: goesOn ? 'a' : 'w' });
  await pipeline(received, target, signal ? { signal } : {});
  if (broken !== undefined) throw broken;
}

/** By node:http, because `fetch` unpacks what a server calls compressed, and then no range or checksum fits. */
async function request(
  url: URL,
  from: number,
  { stallMs, signal }: { readonly stallMs: number; readonly signal: AbortSignal | undefined },
  redirects = 0,
): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new FinalError(`${url.href} is no web address`);
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? getSecurely : get)(url, { headers, ...(signal && { signal }) }, resolve);
    asked.on('error', reject);
    asked.setTimeout(stallMs, () => asked.destroy(new Error(`nothing came for ${stallMs} ms`)));
  });
  const { statusCode = 0, headers: answered } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode) || answered.location === undefined) return response;
  response.destroy();
  if (redirects === maxRedirects) throw new FinalError(`more than ${maxRedirects} redirections`);
  return request(new URL(answered.location, url), from, { stallMs, signal }, redirects + 1);
}

async function checkSum(path: string, md5: string, fix: string, remove = false): Promise<void> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  const received = hash.digest('hex');
  if (received === md5.toLowerCase()) return;
  if (remove) await rm(path);
  throw new ProjError(`Cannot use ${path}: its checksum is wrong`, {
    code: 'checksum-mismatch',
    expected: `the MD5 ${md5}`,
    received,
    fix,
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function cannotWrite(path: string, cause: unknown): ProjError {
  const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
  return new ProjError(`Cannot write ${path}: ${(cause as Error).message}`, {
    code: full ? 'disk-full' : 'cannot-write',
    fix: full ? 'Free some room, then call again: it goes on' : 'Check that the folder may be written to',
    cause,
  });
}

function failed(url: string, partial: string, cause: unknown): ProjError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (isOfDisk(cause)) return cannotWrite(partial, cause);
  return new ProjError(`Cannot fetch ${url}: ${reason}`, {
    code: 'download-failed',
    fix: `Check the network and the address, then call again: what came is kept in ${partial}; or fetch the file by other means`,
    cause,
  });
}
