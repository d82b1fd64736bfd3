export { default } from './other.ts';
