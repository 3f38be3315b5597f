// What a command writes: kept whole for the outputs, and sent on to the engine's log line by line.

import { StringDecoder } from "node:string_decoder";
import type { Context } from "../provider.ts";
import type { CommandInputs, Output } from "./types.ts";

/** Characters of one log line; a longer line is sent in pieces (the engine would be flooded by a 1 GiB line). */
const LINE_LIMIT = 64 * 1024;

export class Capture {
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  /** Both, in the order in which they came: for the error message of a command that fails. */
  private readonly both: Buffer[] = [];
  private readonly outLines: LineLog | undefined;
  private readonly errLines: LineLog | undefined;

  constructor(logging: CommandInputs["logging"], context: Context) {
    const mode = logging ?? "stdoutAndStderr";
    const lines = () => new LineLog((line) => context.log("info", line, { status: true }));
    if (mode === "stdout" || mode === "stdoutAndStderr") this.outLines = lines();
    if (mode === "stderr" || mode === "stdoutAndStderr") this.errLines = lines();
  }

  stdout(chunk: Buffer): void {
    this.out.push(chunk);
    this.both.push(chunk);
    this.outLines?.add(chunk);
  }

  stderr(chunk: Buffer): void {
    this.err.push(chunk);
    this.both.push(chunk);
    this.errLines?.add(chunk);
  }

  /** The outputs, each without its last newline. */
  finish(): Output {
    this.outLines?.end();
    this.errLines?.end();
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8").replace(/\n$/, "");
    return { stdout: text(this.out), stderr: text(this.err) };
  }

  /** The error of a failed run, in the real provider's form: cause, the command's text, all it has written. */
  failure(cause: string, command: string): Error {
    this.outLines?.end();
    this.errLines?.end();
    return new Error(`${cause}: running ${quote(command)}:\n${Buffer.concat(this.both).toString("utf8")}`);
  }
}

class LineLog {
  private readonly decoder = new StringDecoder("utf8");
  private readonly send: (line: string) => void;
  private rest = "";

  constructor(send: (line: string) => void) {
    this.send = send;
  }

  add(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.pieces(line.replace(/\r$/, ""));
    while (this.rest.length > LINE_LIMIT) this.rest = this.piece(this.rest);
  }

  end(): void {
    const last = this.rest + this.decoder.end();
    this.rest = "";
    if (last !== "") this.pieces(last.replace(/\r$/, ""));
  }

  private pieces(line: string): void {
    let rest = line;
    while (rest.length > LINE_LIMIT) rest = this.piece(rest);
    this.send(rest);
  }

  /** Sends the beginning of a line; a character of two halves stays in one piece. */
  private piece(line: string): string {
    const last = line.charCodeAt(LINE_LIMIT - 1);
    const length = last >= 0xd800 && last <= 0xdbff ? LINE_LIMIT - 1 : LINE_LIMIT;
    this.send(line.slice(0, length));
    return line.slice(length);
  }
}

/** The text in double quotes on one line, as Go's %q writes it. */
function quote(text: string): string {
  // JSON differs from Go in the control characters' escapes only.
  return JSON.stringify(text)
    .replaceAll("\\u001b", "\\x1b")
    .replace(/\\u00([01][0-9a-f])/g, "\\x$1");
}
