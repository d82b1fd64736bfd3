import { EventEmitter } from 'node:events';

export default EventEmitter;
