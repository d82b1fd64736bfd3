import { waitAtGate } from './gate.ts';

/** Shared code often listens to signals, and exits; libraries do it when they are loaded. */
const listen = (): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(0));
    process.once(signal, () => process.exit(0));
    process.prependListener(signal, () => process.exit(0));
  }
};
listen();

export default class OwnSignals {
  *dispatch(): Generator<number> {
    listen();
    for (let item = 1; item <= 100; item++) yield item;
  }

  async process(item: number): Promise<void> {
    listen();
    await waitAtGate(`item ${item}`);
    console.log(`finished ${item}`);
  }
}
