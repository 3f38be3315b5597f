import type { ChildProcess } from "node:child_process";
import type * as Grpc from "@grpc/grpc-js";
import type { AnalyzerStackConfigureRequest } from "@pulumi/pulumi/proto/analyzer_pb.js";
import { anySize, grpc, listen, require } from "./stubs.ts";

const { AnalyzerService } = require("@pulumi/pulumi/proto/analyzer_grpc_pb.js") as {
  AnalyzerService: Grpc.ServiceDefinition;
};
const analyzer =
  require("@pulumi/pulumi/proto/analyzer_pb.js") as typeof import("@pulumi/pulumi/proto/analyzer_pb.js");

const asIs = (bytes: Buffer) => bytes;
const empty = Buffer.alloc(0);

/** A stand-in for a policy pack, which answers the engine until the pack itself can. */
export interface PolicyProxy {
  readonly port: number;
  /** What the pack has to know of its stack, as environment; it comes with the engine's first call. */
  readonly stackEnvironment: Promise<Record<string, string>>;
  /** Takes the port that the pack prints first, and passes on the rest of its output. */
  attach(child: ChildProcess, output: (data: Buffer) => void): void;
  close(): void;
}

/**
 * Serves the policy protocol and hands every call on to the pack, byte for byte. Only Handshake and
 * ConfigureStack are answered here: they come before the pack has been started, and it is started with what
 * they say. A call that comes before them starts it without.
 */
export async function policyProxy(): Promise<PolicyProxy> {
  const configured = Promise.withResolvers<Buffer | undefined>();
  const attached = Promise.withResolvers<Grpc.Client>();
  // Nobody may be waiting yet when the pack fails to start.
  attached.promise.catch(() => {});

  const forward = (path: string, request: Buffer) => {
    configured.resolve(undefined);
    return attached.promise.then(
      (client) =>
        new Promise<Buffer>((resolve, reject) => {
          client.makeUnaryRequest(path, asIs, asIs, request, (error, reply) =>
            error ? reject(error) : resolve(reply ?? empty),
          );
        }),
    );
  };
  const own: Record<string, (request: Buffer) => Buffer> = {
    handshake: () => empty,
    configureStack: (request) => {
      configured.resolve(request);
      return empty;
    },
  };

  const definition: Record<string, Grpc.MethodDefinition<Buffer, Buffer>> = {};
  const handlers: Record<string, Grpc.handleUnaryCall<Buffer, Buffer>> = {};
  for (const [name, method] of Object.entries(AnalyzerService)) {
    definition[name] = {
      ...method,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    handlers[name] = (call, done) => {
      Promise.resolve(own[name]?.(call.request) ?? forward(method.path, call.request)).then(
        (reply) => done(null, reply),
        (error) => done({ code: error.code ?? 2, details: error.details ?? error.message }),
      );
    };
  }
  const server = new grpc.Server(anySize);
  server.addService(definition, handlers);
  const port = await listen(server);
  let client: Grpc.Client | undefined;

  const connect = async (packPort: number) => {
    client = new grpc.Client(`127.0.0.1:${packPort}`, grpc.credentials.createInsecure(), anySize);
    const request = await configured.promise;
    if (request) await configureStack(client, request);
    attached.resolve(client);
  };

  return {
    port,
    stackEnvironment: configured.promise.then((request) => (request ? stackEnvironment(request) : {})),
    attach(child, output) {
      let first: string | undefined = "";
      child.stdout?.on("data", (data: Buffer) => {
        if (first === undefined) return output(data);
        first += data.toString("latin1");
        const end = first.indexOf("\n");
        if (end < 0) return;
        const rest = Buffer.from(first.slice(end + 1), "latin1");
        const line = first.slice(0, end);
        first = undefined;
        if (/^\d+$/.test(line)) connect(Number(line)).catch(attached.reject);
        else
          attached.reject(
            new Error(
              `The policy pack printed '${line}' where the engine expects its port. Print nothing while it loads.`,
            ),
          );
        if (rest.length > 0) output(rest);
      });
      child.once("exit", () => attached.reject(new Error("The policy pack ended before it could be asked.")));
    },
    close() {
      client?.close();
      server.forceShutdown();
    },
  };
}

/** Tells the pack of its stack. Packs of older versions do not have this call and do without. */
function configureStack(client: Grpc.Client, request: Buffer): Promise<void> {
  const path = AnalyzerService.configureStack?.path ?? "";
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, request, (error) =>
      error && error.code !== grpc.status.UNIMPLEMENTED ? reject(error) : resolve(),
    );
  });
}

function stackEnvironment(request: Buffer): Record<string, string> {
  const stack: AnalyzerStackConfigureRequest =
    analyzer.AnalyzerStackConfigureRequest.deserializeBinary(request);
  const config: Record<string, string> = {};
  stack.getConfigMap().forEach((value: string, key: string) => {
    config[key] = value;
  });
  const entries = {
    PULUMI_NODEJS_ORGANIZATION: stack.getOrganization(),
    PULUMI_NODEJS_PROJECT: stack.getProject(),
    PULUMI_NODEJS_STACK: stack.getStack(),
    PULUMI_NODEJS_DRY_RUN: String(stack.getDryRun()),
    PULUMI_CONFIG: JSON.stringify(config),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== ""));
}
