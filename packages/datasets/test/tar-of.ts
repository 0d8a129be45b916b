/** A ustar archive, written here so that every field can be wrong when a test wants it. */
export interface TarFile {
  readonly name: string;
  readonly content?: Uint8Array;
  /** `0` a file, `1` and `2` links, `5` a folder, ... Default `0`. */
  readonly type?: string;
  readonly link?: string;
}

export function tarOf(files: readonly (TarFile | readonly [name: string, content: Uint8Array])[]): Buffer {
  const blocks: Buffer[] = [];
  for (const file of files) {
    const {
      name,
      content = new Uint8Array(),
      type = '0',
      link = '',
    } = 'name' in file ? file : { name: file[0], content: file[1] };
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write('0000644\x000000000\x000000000\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0${' '.repeat(8)}${type}`, 124);
    header.write(link, 157, 100);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
