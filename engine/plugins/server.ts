// What the providers share: the gRPC service that the engine speaks to, the engine's log, and the life of the
// process. A provider adds its resources; whatever it does not have is refused by name.

import { fstatSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import type { Provider } from "./provider.ts";

/** Runs the provider until the engine ends it. Prints the port, as the engine expects. */
export async function serve(provider: Provider): Promise<void> {
  // Compiled code is kept between runs: it halves a provider's start-up.
  enableCompileCache(fileURLToPath(new URL("../../node_modules/.cache/berth", import.meta.url)));
  const { Service } = await import("./service.ts");
  const service = new Service(
    provider,
    process.argv.slice(2).findLast((word) => !word.startsWith("-")),
  );
  const port = await service.listen();
  endWithTheEngine(() => service.abort());
  process.stdout.write(`${port}\n`);
}

/**
 * A provider must not outlive its engine. The engine's end shows in three ways: it says so (SIGINT, SIGTERM), it
 * closes the pipe it holds on our standard input, or, killed outright, it is no longer our parent.
 */
function endWithTheEngine(abort: () => boolean): void {
  const end = () => {
    // Children and SSH channels under way get a moment to be told; with none, the engine is not kept waiting.
    if (abort()) setTimeout(() => process.exit(0), 200);
    else process.exit(0);
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  // Only a pipe: started by hand from a terminal or with /dev/null, the end of input says nothing.
  if (fstatSync(0).isFIFO() || fstatSync(0).isSocket()) process.stdin.on("end", end).resume();
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 1000).unref();
}
