/** Where the output of a process goes that the engine asked for. */
export interface Output {
  stdout(data: Buffer): void;
  stderr(data: Buffer): void;
}
