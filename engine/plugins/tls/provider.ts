import type { Provider } from "../provider.ts";

export const provider: Provider = {
  name: "tls",
  version: "5.6.1",
  plainInputs: true,
  resources: {
    "tls:index/privateKey:PrivateKey": async () => (await import("./resources.ts")).privateKey,
    "tls:index/selfSignedCert:SelfSignedCert": async () => (await import("./resources.ts")).selfSignedCert,
  },
};
