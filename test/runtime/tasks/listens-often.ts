/** Listens while it is at an item, as libraries do, and not after it; says how many listeners are left. */
const own = process.listenerCount('SIGTERM'); // the runtime's
const left = (where: string): void => {
  console.log(`${where}: ${process.listenerCount('SIGTERM') - own} left`);
};

export default class ListensOften {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= 50; item++) yield item;
  }

  async process(): Promise<void> {
    const listener = (): void => process.exit(0);
    process.on('SIGTERM', listener);
    await new Promise((resolve) => setTimeout(resolve, 1));
    process.off('SIGTERM', listener);
  }

  beforeExit(): void {
    left('worker');
  }

  afterRun(): void {
    left('master');
  }
}
