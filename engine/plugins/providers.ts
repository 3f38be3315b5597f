import type { PluginName } from "../versions.ts";
import { notAvailable, type Provider } from "./provider.ts";

const providers: Readonly<Record<PluginName, () => Promise<{ provider: Provider }>>> = {
  aws: () => import("./aws/provider.ts"),
  command: () => import("./command/provider.ts"),
  random: () => import("./random/provider.ts"),
  tls: () => import("./tls/provider.ts"),
};

/** A provider of Berth's by its name. */
export async function loadProvider(name: string): Promise<Provider> {
  if (!Object.hasOwn(providers, name)) throw new Error(notAvailable(`the provider ${name}`));
  return (await providers[name as PluginName]()).provider;
}
