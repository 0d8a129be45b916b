import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const addon = createRequire(import.meta.url)('../../build/onednn.node');
const options = { threads: 2, isa: undefined };

/** Bounds this process's address space to `bytes`, or not at all. */
const bound = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), `--as=${bytes}:unlimited`]);

function attempt(f) {
  try {
    f();
    return 'works';
  } catch (error) {
    return error instanceof Error ? 'throws' : String(error);
  }
}

// Too little room for the stack of the compute thread, which is 8 MB.
const kilobytes = Number(/^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
bound(kilobytes * 1024 + 4e6);
process.stdout.write(`init ${attempt(() => addon.init(options))}, `);
bound('unlimited');
process.stdout.write(`then ${attempt(() => addon.init(options))}\n`);

// A call with more numbers than any memory holds, and an output of one element that is made before they are read; alone, and
// behind a whole call in a program.
const tooLong = [0, 0, 1, 2 ** 60, 0, 0, 1, 1];
addon.setCommands(Float64Array.from(tooLong));
process.stdout.write(`run ${attempt(() => addon.run())}, `);
const { ops } = addon.init(options);
const whole = [ops.indexOf('range'), 0, 1, 2, -1, 0, 1, 1, 0, 1];
const program = Float64Array.from([...whole, ...tooLong.with(4, -2)]);
const replay = () => addon.replay(program, new Float64Array(2), Float64Array.of(4, 4), 1);
process.stdout.write(`replay ${attempt(replay)}, ${addon.memory().liveBuffers} buffers left\n`);
