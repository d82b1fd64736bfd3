import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type ItemContext, type Parallelizable, taskArguments } from '#divvy';

/** The number of a ticket to the dance party. */
type Ticket = number;

const args = taskArguments({
  tickets: { type: 'integer', default: 10, min: 0, doc: 'how many tickets there are' },
});

/** Hands out a code for each ticket of a dance party. The codes come from a service that is slow. */
export default class ExampleTask implements Parallelizable<Ticket> {
  /** Runs in the master, once. Yields the tickets: 10 of them, or as many as `tickets=25` says. */
  *dispatch(): Generator<Ticket> {
    console.log(`${args.tickets} ticket codes for the dance party:`);
    for (let ticket = 0; ticket < args.tickets; ticket++) yield ticket;
  }

  /** Runs in a worker, for each ticket. Prints the worker's process id, the ticket and its code. */
  async process(ticket: Ticket, context: ItemContext): Promise<void> {
    const code = createHash('sha1').update(String(ticket)).digest('hex');
    await setTimeout(150, undefined, { signal: context.signal }); // Stands for the time that the slow service takes.
    console.log(`${String(process.pid).padStart(5)} ${String(ticket).padStart(6)} ${code}`);
  }
}
