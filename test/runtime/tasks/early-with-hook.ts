import Early from './early.ts';

/** A hook has its say before each worker is forked. */
export default class EarlyWithHook extends Early {
  beforeFork(): void {
    process.env['FROM_DISPATCH'] = 'from the hook';
  }
}
