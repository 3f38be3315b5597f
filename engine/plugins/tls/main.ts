import { serve } from "../server.ts";

await serve({
  name: "tls",
  version: "5.6.1",
  plainInputs: true,
  resources: {
    "tls:index/privateKey:PrivateKey": async () => (await import("./resources.ts")).privateKey,
    "tls:index/selfSignedCert:SelfSignedCert": async () => (await import("./resources.ts")).selfSignedCert,
  },
});
