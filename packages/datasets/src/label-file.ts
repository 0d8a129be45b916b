import { readFile } from 'node:fs/promises';
import { ProjError } from '@proj/core';

/** One line of a label file. */
export interface LabelLine {
  /** The picture's path as it is written there. */
  readonly file: string;
  readonly label: string;
  /** Counted from 1, for messages. */
  readonly line: number;
}

const fileColumns = ['file', 'filename', 'file_name', 'path', 'image'];
const labelColumns = ['label', 'text'];

/**
 * Reads `.csv` (RFC 4180: quoted fields, doubled quotes, LF or CRLF; the first two columns, or those named in a header
 * line) or `.jsonl` (an object a line). A column or field named `file`, `filename`, `file_name`, `path` or `image`
 * holds the picture, `label` or `text` the label. UTF-8, with or without a byte order mark.
 *
 * @throws ProjError `cannot-read`, or `invalid-label-file` with the number of the line.
 */
export async function readLabelFile(path: string): Promise<LabelLine[]> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new ProjError(`Cannot read the label file ${path}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      fix: 'Check that the file exists and may be read',
      cause,
    });
  }
  return /\.jsonl$/i.test(path) ? readJsonLines(path, text) : readCsv(path, text);
}

function readJsonLines(path: string, text: string): LabelLine[] {
  return text.split('\n').flatMap((content, index) => {
    if (content.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (cause) {
      throw invalid(path, index + 1, 'a JSON object', (cause as Error).message, cause);
    }
    const record = new Map(Object.entries(value ?? {}));
    const file = fileColumns.map((name) => record.get(name)).find((field) => field !== undefined);
    const label = labelColumns.map((name) => record.get(name)).find((field) => field !== undefined);
    if (typeof file !== 'string' || (typeof label !== 'string' && typeof label !== 'number')) {
      throw invalid(path, index + 1, 'an object like {"file": "17.png", "label": "aB3d"}', content.trim());
    }
    return [checked(path, { file, label: String(label), line: index + 1 })];
  });
}

function readCsv(path: string, text: string): LabelLine[] {
  const rows = parseCsv(path, text);
  const header = rows[0]?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  let fileColumn = header.findIndex((name) => fileColumns.includes(name));
  let labelColumn = header.findIndex((name) => labelColumns.includes(name));
  if (fileColumn >= 0 && labelColumn >= 0) rows.shift();
  else [fileColumn, labelColumn] = [0, 1];
  return rows.map(({ cells, line }) => {
    const file = cells[fileColumn];
    const label = cells[labelColumn];
    if (file === undefined || label === undefined) {
      throw invalid(path, line, 'a line like 17.png,aB3d', cells.join(','));
    }
    return checked(path, { file, label, line });
  });
}

function parseCsv(path: string, text: string): { readonly cells: string[]; readonly line: number }[] {
  const rows: { cells: string[]; line: number }[] = [];
  let cells: string[] = [];
  let line = 1;
  let rowLine = 1;
  // One cell and what ends it; a quoted cell may hold commas, line ends and doubled quotes. A repetition takes as much as it can
  // at once: by single characters a quote that is not closed in a large file would fill the stack.
  const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null)
      throw invalid(path, line, 'cells whose quotes are closed, with quotes inside doubled', 'others');
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    line += match[0].split('\n').length - 1;
    const lastCell = match[3] === ',' && cell.lastIndex === text.length;
    if (lastCell) cells.push('');
    if (match[3] === ',' && !lastCell) continue;
    if (cells.length > 1 || cells[0]!.trim() !== '') rows.push({ cells, line: rowLine });
    cells = [];
    rowLine = line;
  }
  return rows;
}

function checked(path: string, entry: LabelLine): LabelLine {
  if (entry.file === '' || entry.label === '') throw invalid(path, entry.line, 'a file and a label', 'an empty one');
  return entry;
}

function invalid(path: string, line: number, expected: string, received: string, cause?: unknown): ProjError {
  return new ProjError(`Cannot use line ${line} of the label file ${path}`, {
    code: 'invalid-label-file',
    expected,
    received: received.slice(0, 200),
    cause,
  });
}
