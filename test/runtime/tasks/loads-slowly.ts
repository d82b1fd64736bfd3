process.on('SIGTERM', () => process.exit(0));
console.log('loading');
await new Promise((resolve) => setTimeout(resolve, 100_000));

export default class LoadsSlowly {
  *dispatch(): Generator<number> {}
  process(): void {}
}
