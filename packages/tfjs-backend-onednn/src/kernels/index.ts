import { registerBinary } from './binary.js';
import { registerCast } from './cast.js';
import { registerConv } from './conv.js';
import { registerCopy } from './copy.js';
import { registerCreate } from './create.js';
import { registerDropout } from './dropout.js';
import { registerIndexOps } from './index-ops.js';
import { registerJoin } from './join.js';
import { registerLstm } from './lstm.js';
import { registerMatMul } from './matmul.js';
import { registerNormalize } from './normalize.js';
import { registerOptimizer } from './optimizer.js';
import { registerPool } from './pool.js';
import { registerReduce } from './reduce.js';
import { registerResize } from './resize.js';
import { registerUnary } from './unary.js';
import { registerView } from './view.js';

/** Registers all native kernels with tfjs. */
export function registerKernels(): void {
  registerBinary();
  registerCast();
  registerConv();
  registerCopy();
  registerCreate();
  registerDropout();
  registerIndexOps();
  registerJoin();
  registerLstm();
  registerMatMul();
  registerNormalize();
  registerOptimizer();
  registerPool();
  registerReduce();
  registerResize();
  registerUnary();
  registerView();
}
