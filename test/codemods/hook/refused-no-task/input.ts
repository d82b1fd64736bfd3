export class Client {
  close(): void {}
}
