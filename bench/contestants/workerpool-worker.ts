import workerpool from 'workerpool';
import { works } from './work.ts';

workerpool.worker(works);
