#!/usr/bin/env node
import { isSupported, whatIsNeeded } from './node-version.ts';

if (isSupported(process.versions.node)) {
  const { main } = await import('./commands.ts');
  await main('create-divvy-task', process.argv.slice(2));
} else {
  process.stderr.write(whatIsNeeded('create-divvy-task', process.versions.node));
  process.exitCode = 2;
}
