import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type * as Messages from "@pulumi/pulumi/proto/engine_pb.js";

/** Shows a line to the user of the engine at `address`, before there is a provider that could. */
export async function tell(address: string, message: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const grpc: typeof Grpc = require("@grpc/grpc-js");
  const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
  const { LogRequest, LogSeverity }: typeof Messages = require("@pulumi/pulumi/proto/engine_pb.js");
  const engine: EngineClient = new EngineClient(address, grpc.credentials.createInsecure());
  const line = new LogRequest().setSeverity(LogSeverity.INFO).setMessage(message);
  // An engine that does not listen loses the line, not the provider.
  await new Promise<void>((resolve) => engine.log(line, () => resolve()));
  engine.close();
}
