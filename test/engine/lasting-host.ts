// Berth's language host, kept for many calls of the engine: to start one, and to load its providers, costs each call a
// third of its processor time. Calls that a test kills start their own, as they do for users.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Engine } from "./harness.ts";

export interface LastingHost {
  /** What a call of the engine is told, so that it attaches itself; starts the host when there is none. */
  environment(): Promise<Record<string, string>>;
  close(): void;
}

/** Programs run in `project`, and what they print by themselves is told to `heard`. */
export function lastingHost(engine: Engine, project: string, heard: (text: string) => void): LastingHost {
  let child: ChildProcess | undefined;
  let port: Promise<string> | undefined;

  const start = async (): Promise<string> => {
    // It ends when its standard input does: with this process, however that ends.
    const host = spawn(join(engine.home, "bin/pulumi-language-nodejs"), [], {
      cwd: project,
      env: engine.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child = host;
    host.once("exit", () => (port = undefined));
    host.stderr.setEncoding("utf8").on("data", heard);
    const ended = once(host, "exit").then(([code]) => {
      throw new Error(`the language host ended with ${code} before it served`);
    });
    const [first] = await Promise.race([once(host.stdout.setEncoding("utf8"), "data"), ended]);
    ended.catch(() => {});
    host.stdout.on("data", heard);
    return `${first}`.trim();
  };

  return {
    async environment() {
      port ??= start();
      return { PULUMI_DEBUG_LANGUAGES: `nodejs:${await port}` };
    },
    close: () => child?.kill("SIGKILL"),
  };
}
