// What refuses, as a value: any other error fails the test.
import { Refusal } from '../../../generators/terminal/refusal.ts';

export async function refusal(act: () => unknown): Promise<Refusal> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
