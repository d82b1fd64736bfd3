/** What is done with an item, the same for every contestant. Runs in a worker. Some pools take the functions by their names. */

export const nothing = (_item: unknown): void => {};

export const nothingAsync = async (_item: unknown): Promise<void> => {};

export const nap = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

export const works = { nothing, nothingAsync, nap };
