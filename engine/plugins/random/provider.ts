import type { Provider } from "../provider.ts";

const resource = (name: "password" | "string" | "id" | "bytes" | "uuid") => async () =>
  (await import("./resources.ts")).resources[name];

export const provider: Provider = {
  name: "random",
  version: "4.21.2",
  plainInputs: true,
  resources: {
    "random:index/randomPassword:RandomPassword": resource("password"),
    "random:index/randomString:RandomString": resource("string"),
    "random:index/randomId:RandomId": resource("id"),
    "random:index/randomBytes:RandomBytes": resource("bytes"),
    "random:index/randomUuid:RandomUuid": resource("uuid"),
  },
};
