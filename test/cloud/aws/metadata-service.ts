// Starts the process behind 169.254.169.254, one for each cloud that has instances; it ends by itself with the last.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { folder } from "./cloud.ts";

const file = (place = folder) => join(place, "metadata.json");

function running(place = folder): { pid: number; port: number } | undefined {
  try {
    const found = JSON.parse(readFileSync(file(place), "utf8"));
    process.kill(found.pid, 0);
    return found;
  } catch {
    return undefined;
  }
}

/** The port on the bridge where it listens; undefined when it does not run. */
export const metadataPort = () => running()?.port;

/** Starts it where it does not run. The caller holds the cloud's lock. */
export async function startMetadata(address: string): Promise<void> {
  if (running()) return;
  rmSync(file(), { force: true });
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, "metadata.log"), "a");
  const child = spawn(process.execPath, [join(import.meta.dirname, "metadata.ts"), address], {
    // Nothing of the caller's but what Node itself needs: it outlives the provider that starts it.
    env: { BERTH_CLOUD: folder, PATH: process.env.PATH },
    stdio: ["ignore", log, log],
    detached: true,
    cwd: "/",
  });
  child.unref();
  for (let tries = 0; tries < 300; tries++) {
    if (running()) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the instances' metadata service did not start: see ${join(folder, "metadata.log")}`);
}

/** Ends it, for this cloud or another one's folder. */
export function stopMetadata(place = folder): void {
  const found = running(place);
  if (found) process.kill(found.pid, "SIGTERM");
  rmSync(file(place), { force: true });
}
