// The runner: checks the version of Node.js before it loads anything newer, then hands over to cli/main.ts.
const [major, minor] = process.versions.node.split('.').map(Number);
if (!((major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26)) {
  // Quoted for a shell, if needed.
  const words = process.argv
    .slice(1)
    .map((word) => (/^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  console.error(
    `divvy: this is Node.js ${process.versions.node}, and ^22.18 || ^24.11 || >=26 is needed; install a current one, or: npx -p node@24 node ${words.join(' ')}`,
  );
  process.exitCode = 2;
} else {
  // The cache makes every boot after the first several times faster. If it can't be written, it is not used.
  process.getBuiltinModule('node:module').enableCompileCache();
  const argv = process.argv.slice(2);
  // The first worker's process loads its modules while this one loads all others. If Node.js has been told not to take
  // TypeScript, or this folder is in a CommonJS package, this import says so.
  const { spareFor } = await import('./master/spare.ts');
  const spare = spareFor(argv);
  const { load } = await import('./load.mjs');
  const [{ main }] = await load(() =>
    Promise.all([
      import('./cli/main.ts'),
      // What a run loads later otherwise.
      spare && import('./master/run-loop.ts'),
      spare && import('./wire/server.ts'),
    ]),
  );
  await main(argv, spare);
}
