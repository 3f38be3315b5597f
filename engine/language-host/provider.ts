import { loadProvider } from "../plugins/providers.ts";
import { pluginNames } from "../versions.ts";
import type { Output } from "./output.ts";
import { lastsUntil } from "./processes.ts";

/**
 * Loads what the providers need while the program loads what it needs itself; the engine asks for them one after the
 * other.
 */
export async function warmUp(): Promise<void> {
  try {
    await import("../plugins/service.ts");
    for (const name of pluginNames) {
      const { resources } = await loadProvider(name);
      await Object.values(resources)[0]?.();
    }
  } catch {
    // Said when the provider is asked for.
  }
}

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
