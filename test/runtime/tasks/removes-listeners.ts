import { waitAtGate } from './gate.ts';

process.removeAllListeners('SIGTERM');
process.removeAllListeners('SIGINT');

export default class RemovesListeners {
  *dispatch(): Generator<number> {
    process.removeAllListeners('SIGINT');
    for (let item = 1; ; item++) yield item;
  }

  async process(item: number): Promise<void> {
    process.removeAllListeners('SIGTERM');
    if (item === 1) await waitAtGate('item 1');
    console.log(`finished ${item}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
