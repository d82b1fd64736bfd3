// Loaded by workers before anything else: their exit hangs, once all that is JavaScript has run.
// As Node.js itself does now and then: its compiler's threads and the main one wait for each other at the end.
if (process.env.DIVVY_WORKER !== undefined) {
  process.reallyExit = () => {
    for (;;);
  };
}
