import { loadProvider } from "../plugins/providers.ts";
import type { Output } from "./output.ts";
import { lastsUntil } from "./processes.ts";

/**
 * Serves one of Berth's providers from this process, on a port of its own: a Node process for each would take longer
 * to start than all that a deployment without changes does. Lasts until the engine gives the call up.
 */
export async function runProvider(
  name: string,
  engine: string,
  output: Output,
  abandoned: (stopIt: () => void) => void,
): Promise<void> {
  const [provider, { Service }] = await Promise.all([loadProvider(name), import("../plugins/service.ts")]);
  const over = new Promise<void>((resolve) => abandoned(resolve));
  const service = new Service(provider, engine);
  const release = lastsUntil(() => service.abort());
  output.stdout(Buffer.from(`${await service.listen()}\n`));
  await over;
  release();
  service.close();
}
