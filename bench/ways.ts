import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { BareHost } from "./host.ts";

/** One way to bring a new version of the application to people who use it. */
export interface Way {
  readonly name: string;
  /** Makes the site be served this way. */
  begin(): Promise<void>;
  /** Brings this version; ends when the command does. */
  release(version: string): Promise<void>;
  end(): Promise<void>;
}

/** The usual ways, by the units of gunicorn's documentation: bench/usual/. */
export function usualWays(host: BareHost): Way[] {
  const usual = (args: string) => host.on(`bash /opt/bench-usual/usual.sh ${args}`);
  const way = (name: string, kind: "service" | "socket", stop: number, verb: "restart" | "reload"): Way => ({
    name,
    async begin() {
      const files = execFileSync("tar", ["-cC", join(import.meta.dirname, "usual"), "."]);
      await host.on("mkdir -p /opt/bench-usual && tar -xC /opt/bench-usual", files);
      await usual(`begin ${kind} ${stop}`);
    },
    async release(version) {
      await usual(`release ${version} ${verb}`);
    },
    async end() {
      await usual("end");
    },
  });
  return [
    way("systemctl restart gunicorn", "service", 5, "restart"),
    way("systemctl reload gunicorn (HUP)", "service", 5, "reload"),
    way("socket activation, restart", "socket", 5, "restart"),
    // As the documentation's unit, but for the time that the application gives a request.
    way("socket activation, restart that waits for requests", "socket", 70, "restart"),
  ];
}
