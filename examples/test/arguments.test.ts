import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { shownPath, userPath } from '../support/arguments.ts';

it.each(['runs/quickstart', 'a b/run', "it's/run", '$HOME/*', 'Bücher/run'])(
  'a shell takes %s as it is shown',
  (path) => {
    const shown = shownPath(userPath(path));
    const taken = execFileSync('sh', ['-c', `printf %s ${shown}/model`], { encoding: 'utf8' });
    expect(taken).toBe(join(path, 'model'));
  },
);
