#!/usr/bin/env node
import { isSupported, whatIsNeeded } from './node-version.ts';

if (isSupported(process.versions.node)) {
  // Not awaited at the top: what is published of this file is CommonJS, for the sake of old versions.
  void import('./commands.ts').then(({ main }) => main('create-divvy-task', process.argv.slice(2)));
} else {
  process.stderr.write(whatIsNeeded('create-divvy-task', process.versions.node));
  process.exitCode = 2;
}
