import { ProjError } from '@proj/core';
import type { ByteReader } from './byte-reader.js';

/** A regular file in a tar archive. */
export interface TarEntry {
  /** Path in the archive, as it is written there, never leading out of it. */
  readonly name: string;
  /** Where its bytes begin in the archive, and how many there are. */
  readonly offset: number;
  readonly size: number;
}

const blockBytes = 512;
/** Beyond this a long name or a pax header is damage or malice. */
const maxHeaderBytes = 1024 * 1024;
const text = new TextDecoder();

/** What headers of their own say of the next file (pax), or of all that follow. */
type Attributes = Readonly<Record<string, string>>;

/**
 * The files of a tar archive in order: ustar, GNU (long names, sizes from 8 GiB on) and pax. While an entry is the
 * current one its bytes can be read from `reader`; what is left of them is skipped. Folders are passed over. Nothing is
 * written to disk. Libraries for tar do not tell where in the archive a file lies, which access by index needs.
 *
 * Format: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
 *
 * @param archive its name, for messages.
 * @throws ProjError `invalid-tar` for what is no tar, damaged or cut short; `unsafe-tar` for links, devices, absolute
 *   paths and `..`. Both name the archive.
 */
export async function* tarEntries(reader: ByteReader, archive: string): AsyncGenerator<TarEntry> {
  let global: Attributes = {};
  let own: Attributes = {};
  for (;;) {
    const at = reader.position;
    const header = await reader.read(blockBytes);
    if (header.length < blockBytes) {
      throw invalid(archive, 'an end mark', at === 0 ? `${header.length} bytes` : 'an archive that is cut short');
    }
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, archive, at);
    const type = String.fromCharCode(header[156]!);
    const isHeader = 'xgLK'.includes(type);
    const attributes = { ...global, ...own };
    const size = isHeader || attributes.size === undefined ? sizeField(header) : decimal(attributes.size);
    if (size === undefined || !Number.isSafeInteger(size)) {
      throw invalid(archive, 'the size of an entry', `other bytes at byte ${at}`);
    }
    const offset = reader.position;

    if (isHeader) {
      if (size > maxHeaderBytes) throw invalid(archive, `headers of at most ${maxHeaderBytes} bytes`, `${size}`);
      const bytes = await reader.read(size);
      if (bytes.length < size) throw invalid(archive, 'a whole header', 'an archive that is cut short');
      if (type === 'x') own = { ...own, ...paxRecords(bytes, archive, at) };
      else if (type === 'g') global = { ...global, ...paxRecords(bytes, archive, at) };
      else if (type === 'L') own = { ...own, path: untilNul(bytes) };
    } else {
      const name = attributes.path ?? nameField(header);
      checkEntry(name, type, attributes, archive);
      if (type !== '5') yield { name, offset, size };
      own = {};
    }
    await reader.skip(offset + Math.ceil(size / blockBytes) * blockBytes - reader.position);
  }
}

/** The bytes of the entry that is the current one. @throws ProjError `invalid-tar` where they are cut short. */
export async function readEntry(reader: ByteReader, entry: TarEntry, archive: string): Promise<Uint8Array> {
  const bytes = await reader.read(entry.size);
  if (bytes.length === entry.size) return bytes;
  throw cutShort(entry, archive, bytes.length);
}

/** @param there how many bytes of the entry there are. */
export function cutShort({ name, size }: TarEntry, archive: string, there: number): ProjError {
  return invalid(archive, `${size} bytes of ${name}`, `${there}: the archive is cut short`);
}

function checkEntry(name: string, type: string, attributes: Attributes, archive: string): void {
  const unsafe = (received: string) =>
    new ProjError(`Cannot use the archive ${archive}`, {
      code: 'unsafe-tar',
      expected: 'nothing but files and folders, by paths that stay inside',
      received,
      fix: 'Pack it again, with links followed (`tar --dereference`) and from inside its folder',
    });
  if (type === '1' || type === '2') throw unsafe(`a link, '${name}'`);
  const isSparse = type === 'S' || Object.keys(attributes).some((key) => key.startsWith('GNU.sparse.'));
  if (isSparse || !'05\x007'.includes(type)) throw unsafe(`an entry of type '${isSparse ? 'S' : type}', '${name}'`);
  const parts = name.split(/[\\/]/);
  if (name === '' || name.includes('\0') || /^([\\/]|[a-z]:)/i.test(name) || parts.includes('..')) {
    throw unsafe(`the path '${name}'`);
  }
}

/** The sum of all bytes, those of the sum itself taken as spaces; some old writers added them as signed ones. */
function checkSum(header: Uint8Array, archive: string, at: number): void {
  const written = octal(header.subarray(148, 156));
  let unsigned = 0;
  let signed = 0;
  for (const [place, value] of header.entries()) {
    const byte = place >= 148 && place < 156 ? 32 : value;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  if (written === unsigned || written === signed) return;
  throw invalid(archive, 'a tar header', `${at === 0 ? 'other bytes' : 'damaged bytes'} at byte ${at}`);
}

function sizeField(header: Uint8Array): number | undefined {
  const field = header.subarray(124, 136);
  // GNU: a first bit of 1, then a number in base 256.
  if (field[0] === 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  return octal(field);
}

function decimal(digits: string): number | undefined {
  return /^[0-9]+$/.test(digits) ? Number(digits) : undefined;
}

function octal(field: Uint8Array): number | undefined {
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(Buffer.from(field).toString('latin1'))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits || '0', 8);
}

function nameField(header: Uint8Array): string {
  const name = untilNul(header.subarray(0, 100));
  // Only POSIX's own form has a prefix; GNU's (`ustar  `) keeps times there.
  const isPosix = Buffer.from(header.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = isPosix ? untilNul(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return text.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** `"<length> <key>=<value>\n"` again and again; the length counts the whole record in bytes. */
function paxRecords(bytes: Uint8Array, archive: string, at: number): Attributes {
  const records: Record<string, string> = {};
  for (let start = 0; start < bytes.length; ) {
    const space = bytes.indexOf(32, start);
    const length = Number(text.decode(bytes.subarray(start, Math.max(space, start))));
    const end = start + length;
    const record = text.decode(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf('=');
    if (space < 0 || !Number.isInteger(length) || end <= space + 1 || bytes[end - 1] !== 10 || equals < 1) {
      throw invalid(archive, 'a pax header', `other bytes at byte ${at}`);
    }
    records[record.slice(0, equals)] = record.slice(equals + 1);
    start = end;
  }
  return records;
}

function invalid(archive: string, expected: string, received: string): ProjError {
  return new ProjError(`Cannot read the archive ${archive}`, {
    code: 'invalid-tar',
    expected,
    received,
    fix: 'Fetch or pack it again; compressed archives are read as a stream that is unpacked before',
  });
}
