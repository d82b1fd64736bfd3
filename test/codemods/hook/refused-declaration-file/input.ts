export default class Nightly {
  process(item: number): void;
}
