#!/usr/bin/env node
import { isSupported, whatIsNeeded } from './node-version.ts';

if (isSupported(process.versions.node)) {
  // No top-level await: this file is published as CommonJS, so that old versions of Node.js can run it.
  void import('./commands.ts').then(({ main }) => main('create-divvy-task', process.argv.slice(2)));
} else {
  process.stderr.write(whatIsNeeded('create-divvy-task', process.versions.node));
  process.exitCode = 2;
}
