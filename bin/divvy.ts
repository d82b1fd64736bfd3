#!/usr/bin/env node
import { isSupported, whatIsNeeded } from './node-version.ts';

if (isSupported(process.versions.node)) {
  const { main } = await import('./commands.ts');
  await main('divvy', process.argv.slice(2));
} else {
  process.stderr.write(whatIsNeeded('divvy', process.versions.node));
  process.exitCode = 2;
}
