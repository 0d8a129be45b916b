import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { classNames, folderSource, imageFolder, loader, splitByPicture } from '@proj/datasets';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import golden from './goldens/image_folder.json' with { type: 'json' };
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 4, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
});

function folderOf(files: readonly string[]): string {
  const folder = mkdtempSync(join(root, 'f-'));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), png);
  }
  return folder;
}

describe('imageFolder', () => {
  it("numbers classes and orders pictures as torchvision's", async () => {
    const dir = folderOf(golden.files);
    const { classes, samples, size } = await imageFolder(dir);
    expect(classes).toEqual(golden.classes);
    expect(samples.map(({ path, label }) => [relative(dir, path), label])).toEqual(golden.samples);
    expect(size).toBe(golden.samples.length);
  });

  it('passes over names that start with a dot, and files beside the classes', async () => {
    const { classes, size } = await imageFolder(
      folderOf(['a/1.png', 'a/._1.png', '.trash/2.png', 'a/.x/3.png', '4.png']),
    );
    expect([classes, size]).toEqual([['a'], 1]);
  });

  it('decodes pictures, and refuses others', async () => {
    const folder = await imageFolder(folderOf(['a/1.png', 'b/2.png']));
    expect(await folder.image(1, { channels: 1 })).toMatchObject({ width: 8, height: 4, channels: 1 });
    await expect(folder.image(2)).rejects.toMatchObject({ code: 'invalid-index', expected: 'an index in 0..1' });
  });

  it('takes the classes of another folder, so that numbers agree', async () => {
    const dir = folderOf(['dog/1.png', 'ant/2.png']);
    const classes = ['dog', 'cat', 'ant'];
    await expect(imageFolder(dir, { classes })).rejects.toMatchObject({ code: 'empty-class' });
    const { samples } = await imageFolder(dir, { classes, allowEmpty: true });
    expect(samples.map(({ path, label }) => [relative(dir, path), label])).toEqual([
      ['dog/1.png', 0],
      ['ant/2.png', 2],
    ]);
    await expect(imageFolder(dir, { classes: ['dog'] })).rejects.toMatchObject({
      code: 'unknown-class-folder',
      received: "'ant'",
    });
    await expect(imageFolder(dir, { classes: ['dog', 'ant', 'dog'] })).rejects.toMatchObject({
      code: 'invalid-class-names',
      received: "'dog' twice",
    });
  });

  it('follows links, but not in circles', async () => {
    const elsewhere = folderOf(['deep/1.png']);
    const dir = folderOf(['a/2.png']);
    symlinkSync(elsewhere, join(dir, 'b'));
    expect((await imageFolder(dir)).samples.map(({ path }) => relative(dir, path))).toEqual([
      'a/2.png',
      'b/deep/1.png',
    ]);
    symlinkSync(join(dir, 'a'), join(dir, 'a', 'self'));
    await expect(imageFolder(dir)).rejects.toMatchObject({
      code: 'folder-loop',
      received: expect.stringContaining(join('a', 'self')),
    });
  });

  it('names what is missing', async () => {
    await expect(imageFolder(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'cannot-read' });
    await expect(imageFolder(folderOf(['1.png']))).rejects.toMatchObject({
      code: 'empty-folder',
      received: 'no subfolders',
    });
    const dir = folderOf(['a/1.png', 'b/notes.txt']);
    await expect(imageFolder(dir)).rejects.toMatchObject({
      code: 'empty-class',
      message: expect.stringContaining("'b'"),
    });
    expect((await imageFolder(dir, { allowEmpty: true })).classes).toEqual(['a', 'b']);
    await expect(imageFolder(dir, { extensions: ['.WebP'], allowEmpty: true })).rejects.toMatchObject({
      code: 'empty-folder',
    });
  });

  it('serves folderSource, whole or split, with labels [B]', async () => {
    const dir = folderOf(['cat', 'dog'].flatMap((name) => ['1', '2', '3', '4'].map((k) => `${name}/${k}.png`)));
    const { samples, classes } = await imageFolder(dir);
    const { train } = splitByPicture(samples, { fractions: { train: 0.5, test: 0.5 }, seed: 1, stratify: true });
    const named = train.map(({ path, label }) => ({ path, label: classes[label]! }));
    for (const options of [
      { source: folderSource(train) },
      { source: folderSource(named), codec: classNames(classes) },
    ]) {
      const batches = await loader({ ...options, batchSize: 4, workers: 0 });
      for await (const { inputs, labels } of batches.epoch(0)) {
        expect(inputs.shape).toEqual([4, 4, 8, 3]);
        expect(labels).toEqual({ data: Int32Array.of(0, 0, 1, 1), shape: [4] });
      }
      await batches.close();
    }
  });
});

const data = process.env.PROJ_DATA ?? resolve(import.meta.dirname, '../../../data');

describe('real pictures', () => {
  it.skipIf(!existsSync(join(data, 'characters')))(`characters (skipped where ${data} is missing)`, async () => {
    const folder = await imageFolder(join(data, 'characters'));
    expect(folder.size).toBe(4550);
    expect(folder.classes.length).toBe(26);
    const counts = folder.classes.map((_, label) => folder.samples.filter((sample) => sample.label === label).length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([76, 200]);
    const image = await folder.image(4549);
    expect(Math.max(image.width, image.height)).toBeLessThanOrEqual(128);
  });
});
