import { sep } from 'node:path';
export default class Nightly implements Parallelizable<number> {
}

void sep;
