/** The task's side of makeGate in ../run-task.ts. */

import net from 'node:net';

/** Tells the test who is here, and resolves when it lets everybody pass. */
export function waitAtGate(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(process.env['GATE'] ?? '');
    socket.write(name);
    socket.on('error', reject);
    socket.resume().on('end', resolve);
  });
}
