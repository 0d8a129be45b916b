// The inner loops for pictures of bytes, in AssemblyScript: what src/kernels/workspace.ts describes as `Kernels`. Pointers are
// places in the one memory, where 32 bytes behind each area belong to it: loops read and write 16 bytes at once, beyond the end.
export { greySum, greys, saturate, turnHue } from './color';
export { lookUp, lookUpFloats } from './levels';
export { mirror } from './move';
export { resampleColumns, resampleRows } from './resample';
export { bilinearRow, nearestRow, walk } from './warp';
