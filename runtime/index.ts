/** What a project imports as `#divvy`. Public. */

export type * from './parallelizable.ts';
export { PermanentError } from './parallelizable.ts';
