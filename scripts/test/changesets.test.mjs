// A changeset that cannot be read stops a release.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import readChangesets from '@changesets/read';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('every changeset names packages of the workspace and says what changed', async () => {
  const packages = readdirSync(join(root, 'packages')).map(
    (name) => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).name,
  );
  for (const { id, releases, summary } of await readChangesets(root)) {
    expect(summary, id).not.toBe('');
    expect(releases.length, id).toBeGreaterThan(0);
    for (const { name } of releases) expect(packages, id).toContain(name);
  }
});
