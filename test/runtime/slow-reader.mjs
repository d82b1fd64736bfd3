// Reads stdin slowly, and says at its end how many bytes and lines there were.
let bytes = 0;
let lines = 0;
for await (const chunk of process.stdin) {
  bytes += chunk.length;
  for (const byte of chunk) if (byte === 10) lines += 1;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
console.log(`read ${bytes} bytes, ${lines} lines`);
