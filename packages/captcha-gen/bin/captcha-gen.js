#!/usr/bin/env node
// A file of its own, so that package managers can link the command before the package is built.
import { main } from '../dist/cli.js';

process.exitCode = await main(process.argv.slice(2));
