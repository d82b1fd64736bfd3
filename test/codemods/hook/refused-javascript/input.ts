export default class Nightly {}
