export default class Nightly implements Parallelizable<number> {
}
