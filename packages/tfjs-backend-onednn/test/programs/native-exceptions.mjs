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

// A call with more tensors than any memory holds.
addon.setCommands(Float64Array.of(0, 2 ** 60, 0, 0));
process.stdout.write(`run ${attempt(() => addon.run())}\n`);
