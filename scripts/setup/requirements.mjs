import fs from 'node:fs';
import { root } from './paths.mjs';

const MINIMUM_NODE = [20, 19];

/** Ends the process with a message where Node is too old for this repository. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  console.error(
    `Node ${version} is too old: this project needs Node ${MINIMUM_NODE.join('.')} or later. ` +
      'Install a newer one (https://nodejs.org/en/download) and call the command again.',
  );
  process.exit(1);
}

/** Ends the process with a message where the checkout's disk has less than `bytes` free. */
export function checkDisk(bytes) {
  const free = freeBytes();
  if (free >= bytes) return;
  console.error(
    `No room on the disk: ${root} has ${gigabytes(free)} free, setting up needs ${gigabytes(bytes)}. ` +
      'Free some room, or clone to a larger disk, and call the command again.',
  );
  process.exit(1);
}

/** Room on the checkout's disk. */
export function freeBytes() {
  const { bavail, bsize } = fs.statfsSync(root);
  return bavail * bsize;
}

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
