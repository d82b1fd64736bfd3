export const answer = 42;

export default function nightly(): void {}
