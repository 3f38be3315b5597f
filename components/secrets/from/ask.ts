import { spawn } from "node:child_process";

/** How a command ended. */
export interface Asked {
  /** What it printed. */
  readonly printed: Buffer;
  /** What it said beside that. */
  readonly said: string;
  /** Why its answer does not count; undefined where it does. */
  readonly fault: string | undefined;
}

/** No secret is longer; a command that prints more does something else. */
const most = 1 << 20;

/**
 * Runs a command without a shell, here, with nothing to read, and waits for its end.
 *
 * @param seconds for how long, as a fault tells it
 * @param until the moment by which it must have ended
 */
export function ask(words: readonly string[], seconds: number, until: number): Promise<Asked> {
  const [program = "", ...args] = words;
  return new Promise((resolve) => {
    // The engine hands the program its configuration and the way to its secrets in the environment.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_"));
    const child = spawn(program, args, { env: Object.fromEntries(own), stdio: ["ignore", "pipe", "pipe"] });
    const printed: Buffer[] = [];
    const said: Buffer[] = [];
    const end = (fault: string | undefined) => {
      clearTimeout(timer);
      // What it has started may hold these open for longer than it runs.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      child.unref();
      resolve({ printed: Buffer.concat(printed), said: Buffer.concat(said).toString("utf8"), fault });
    };
    const stop = (fault: string) => {
      child.kill("SIGKILL");
      end(fault);
    };
    const timer = setTimeout(
      () => stop(`did not end within ${seconds} s (app.secretFrom.timeout)`),
      Math.max(until - Date.now(), 0),
    );
    let size = 0;
    for (const [stream, kept] of [
      [child.stdout, printed],
      [child.stderr, said],
    ] as const) {
      stream.on("data", (data: Buffer) => {
        kept.push(data);
        size += data.length;
        if (size > most) stop("printed more than 1 MiB");
      });
    }
    child.on("error", (error: NodeJS.ErrnoException) => end(notStarted(program, error)));
    child.on("close", (status, signal) =>
      end(
        status === 0 ? undefined : signal === null ? `ended with status ${status}` : `was ended by ${signal}`,
      ),
    );
  });
}

const notStarted = (program: string, { code, message }: NodeJS.ErrnoException): string =>
  code === "ENOENT"
    ? `could not start: there is no program '${program}' here. Install it, or write its path`
    : code === "EACCES"
      ? `could not start: '${program}' may not be run. Make it executable (chmod +x)`
      : `could not start: ${message}`;
