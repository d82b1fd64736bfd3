/** A dispatch that ends the master: by process.exit, or by an error that nobody catches. */
export default class EndsMaster {
  async *dispatch(): AsyncGenerator<number> {
    yield 1;
    if (process.argv[2] === 'exit') process.exit(7);
    void Promise.reject(new Error('nobody catches this'));
    await new Promise(() => {});
  }

  async process(): Promise<void> {
    if (process.argv[2] === 'exit') await new Promise(() => {});
  }
}
