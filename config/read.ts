import * as pulumi from "@pulumi/pulumi";
import { checkSite } from "../components/site/check.ts";
import type { SiteConfig } from "../components/site/schema.ts";
import { asWritten } from "./as-written.ts";

/**
 * Reads and checks the stack's configuration.
 *
 * @throws {pulumi.RunError} naming every fault at once: the key, what was found, what is expected.
 */
export async function readConfig(): Promise<SiteConfig> {
  const stack = pulumi.getStack();
  const config = parseConfig(pulumi.runtime.allConfig(), stack);
  const env = await asWritten(config.app.env, `Pulumi.${stack}.yaml`);
  return { ...config, app: { ...config.app, env } };
}

/** {@link readConfig} for values at hand: texts by `berth:KEY`, structured ones in JSON. */
export function parseConfig(values: Readonly<Record<string, string>>, stack: string): SiteConfig {
  const namespace = "berth:";
  const raw = Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(namespace))
      .map(([key, value]) => [key.slice(namespace.length), structured(value)]),
  );
  const checked = checkSite(raw, namespace);
  if ("config" in checked) {
    return checked.config;
  }
  const { faults } = checked;
  throw new pulumi.RunError(
    [
      `The configuration of stack '${stack}' (Pulumi.${stack}.yaml) has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`,
      ...faults.map((fault) => `  ${fault}`),
      "Every key is described in docs/configuration.md.",
    ].join("\n"),
  );
}

function structured(value: string): unknown {
  if (!/^[[{"]|^(true|false|-?\d+)$/.test(value)) {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
