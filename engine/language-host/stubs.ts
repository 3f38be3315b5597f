// The gRPC library and Pulumi's generated messages. By `require`: they are CommonJS, and an `import` of such a
// module reads it twice, which would show in every start.
import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type * as LanguageMessages from "@pulumi/pulumi/proto/language_pb.js";
import type * as PluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import type * as Empties from "google-protobuf/google/protobuf/empty_pb.js";

export const require = createRequire(import.meta.url);
export const grpc: typeof Grpc = require("@grpc/grpc-js");
export const messages: typeof LanguageMessages = require("@pulumi/pulumi/proto/language_pb.js");
export const plugins: typeof PluginMessages = require("@pulumi/pulumi/proto/plugin_pb.js");
export const empties: typeof Empties = require("google-protobuf/google/protobuf/empty_pb.js");
export const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb.js") as {
  LanguageRuntimeService: Grpc.ServiceDefinition;
};

/** Messages of any size: a stack's state may be large. */
export const anySize = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** Listens on a free port of the loopback interface. */
export function listen(server: Grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
