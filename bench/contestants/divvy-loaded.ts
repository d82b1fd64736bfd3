/** This runtime, loaded and not run: what its memory is measured against. */

import { enableCompileCache } from 'node:module';
import { report } from './measure.ts';

enableCompileCache();
await import('../../runtime/index.ts');
report(0, 0);
