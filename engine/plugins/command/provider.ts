import type { Provider } from "../provider.ts";

export const provider: Provider = {
  name: "command",
  version: "1.2.1",
  // The real provider keeps its framework's version in its state: without it a stack that goes from one to the
  // other would show a changed provider.
  ownState: { "__pulumi-go-provider-version": "v1.5.0" },
  resources: {
    "command:local:Command": async () => (await import("./resources.ts")).localCommand,
    "command:remote:Command": async () => (await import("./resources.ts")).remoteCommand,
    "command:remote:CopyToRemote": async () => (await import("./resources.ts")).copyToRemote,
  },
};
