/** Some libraries put a `write` of their own in place of stdout's, and forget its callback. */
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((text: string) => write(String(text))) as typeof process.stdout.write;

export default class WrapsWrite {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(process.argv[2]); item++) yield item;
  }

  process(item: number): void {
    console.log(`item ${item}`);
  }
}
