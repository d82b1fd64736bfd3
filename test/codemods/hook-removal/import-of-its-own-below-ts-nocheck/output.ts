// @ts-nocheck
export default class Nightly implements Parallelizable<number> {
}
