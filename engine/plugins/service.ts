import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type * as EngineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import type * as Messages from "@pulumi/pulumi/proto/provider_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { type Context, type DifferenceKind, notAvailable, type Provider, type Resource } from "./provider.ts";
import { type Properties, reveal, type Value } from "./values.ts";

// `require`, because an `import` of these generated modules is parsed twice.
const require = createRequire(import.meta.url);
const grpc: typeof Grpc = require("@grpc/grpc-js");
const { ResourceProviderService } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const messages: typeof Messages = require("@pulumi/pulumi/proto/provider_pb.js");
const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb.js");
const structs: { Struct: typeof Struct } = require("google-protobuf/google/protobuf/struct_pb.js");
const empties: { Empty: typeof Empty } = require("google-protobuf/google/protobuf/empty_pb.js");

type Call<Request> = Grpc.ServerUnaryCall<Request, unknown>;

const KIND: Record<DifferenceKind, number> = {
  add: 0,
  addReplace: 1,
  delete: 2,
  deleteReplace: 3,
  update: 4,
  updateReplace: 5,
};
const SEVERITY = { debug: 0, info: 1, warning: 2, error: 3 } as const;

/** A failure of the caller's making, with the gRPC status the engine expects for it. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class Service {
  private readonly provider: Provider;
  private engineAddress: string;
  private engine: EngineClient | undefined;
  private readonly cancelled = new AbortController();
  private server: Grpc.Server | undefined;
  private running = 0;
  private config: Properties = {};
  /** The log lines under way: the engine gets them one after another, in order. */
  private logged: Promise<void> = Promise.resolve();

  constructor(provider: Provider, engineAddress: string | undefined) {
    this.provider = provider;
    this.engineAddress = engineAddress ?? "";
  }

  /** Listens on a free port of the loopback interface. */
  listen(): Promise<number> {
    const server = new grpc.Server({
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    this.server = server;
    server.addService(ResourceProviderService, this.handlers());
    return new Promise((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
  }

  /** Cancels all operations; says whether any were under way. */
  abort(): boolean {
    this.cancelled.abort(new Error("cancelled"));
    return this.running > 0;
  }

  /** Ends the service; nothing keeps the process that ran it. */
  close(): void {
    this.abort();
    this.server?.forceShutdown();
    this.engine?.close();
  }

  /** The engine, to log to; undefined while it has not said where it is. Most runs without a change log nothing. */
  private connected(): EngineClient | undefined {
    if (this.engine === undefined && this.engineAddress !== "") {
      const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
      this.engine = new EngineClient(this.engineAddress, grpc.credentials.createInsecure(), {
        "grpc.max_send_message_length": -1,
      }) as EngineClient;
    }
    return this.engine;
  }

  private handlers(): Grpc.UntypedServiceImplementation {
    const unary = <Request>(answer: (request: Request) => Promise<unknown>): Grpc.UntypedHandleCall =>
      ((call: Call<Request>, callback: Grpc.sendUnaryData<unknown>) => {
        answer(call.request).then(
          (response) => callback(null, response),
          (error: Error) =>
            callback({
              code: error instanceof Refusal ? error.code : grpc.status.UNKNOWN,
              details: error.message,
            }),
        );
      }) as Grpc.UntypedHandleCall;
    const refused = (method: string): Grpc.UntypedHandleCall =>
      ((_call: unknown, callback: Grpc.sendUnaryData<unknown>) =>
        callback({
          code: grpc.status.UNIMPLEMENTED,
          details: notAvailable(`${this.provider.name}: ${method}`),
        })) as Grpc.UntypedHandleCall;

    return {
      handshake: unary(async (request: Messages.ProviderHandshakeRequest) => {
        if (this.engineAddress === "") this.engineAddress = request.getEngineAddress();
        return new messages.ProviderHandshakeResponse()
          .setAcceptSecrets(!this.provider.plainInputs)
          .setAcceptResources(true);
      }),
      getPluginInfo: unary(async () => new PluginInfo().setVersion(this.provider.version)),
      attach: unary(async () => new empties.Empty()),
      cancel: unary(async () => {
        this.abort();
        return new empties.Empty();
      }),
      checkConfig: unary(async (request: Messages.CheckRequest) => {
        const { ownState, refusal } = this.provider;
        const inputs = encode({ ...decode(request.getNews()), ...ownState });
        return new messages.CheckResponse()
          .setInputs(inputs)
          .setFailuresList(refusal === undefined ? [] : [new messages.CheckFailure().setReason(refusal)]);
      }),
      diffConfig: unary(async () => new messages.DiffResponse().setChanges(1)),
      configure: unary(async (request: Messages.ConfigureRequest) => {
        // A provider that is in the state already is not checked again before it is used.
        if (this.provider.refusal !== undefined) throw new Error(this.provider.refusal);
        this.config = reveal(decode(request.getArgs())) as Properties;
        await this.provider.configure?.(this.config);
        return new messages.ConfigureResponse()
          .setAcceptsecrets(!this.provider.plainInputs)
          .setAcceptresources(true)
          .setSupportspreview(true);
      }),
      invoke: unary((request: Messages.InvokeRequest) => this.invoke(request)),
      check: unary((request: Messages.CheckRequest) => this.check(request)),
      diff: unary((request: Messages.DiffRequest) => this.diff(request)),
      create: unary((request: Messages.CreateRequest) => this.create(request)),
      read: unary((request: Messages.ReadRequest) => this.read(request)),
      update: unary((request: Messages.UpdateRequest) => this.update(request)),
      delete: unary((request: Messages.DeleteRequest) => this.delete(request)),
      getSchema: refused("GetSchema"),
      parameterize: refused("Parameterize"),
      call: refused("Call"),
      construct: refused("Construct"),
      list: refused("List"),
      getMapping: refused("GetMapping"),
      getMappings: refused("GetMappings"),
    };
  }

  private async invoke(request: Messages.InvokeRequest): Promise<Messages.InvokeResponse> {
    const call = this.provider.functions?.[request.getTok()];
    if (!call) throw new Refusal(grpc.status.UNIMPLEMENTED, notAvailable(request.getTok()));
    const result = await call(reveal(decode(request.getArgs())) as Properties, this.config);
    return new messages.InvokeResponse().setReturn(encode(result));
  }

  private async check(request: Messages.CheckRequest): Promise<Messages.CheckResponse> {
    const resource = await this.resource(request.getUrn());
    const { inputs, failures } = await this.run(request.getUrn(), 0, (context) =>
      resource.check(decode(request.getNews()), decode(request.getOlds()), context),
    );
    return new messages.CheckResponse()
      .setInputs(encode(inputs))
      .setFailuresList(
        failures.map(({ property, reason }) =>
          new messages.CheckFailure().setProperty(property).setReason(reason),
        ),
      );
  }

  private async diff(request: Messages.DiffRequest): Promise<Messages.DiffResponse> {
    const resource = await this.resource(request.getUrn());
    const { changes, plain } = await resource.diff({
      id: request.getId(),
      state: decode(request.getOlds()),
      news: decode(request.getNews()),
      oldInputs: decode(request.getOldInputs()),
    });
    const response = new messages.DiffResponse()
      .setChanges(changes.size > 0 ? 2 : 1)
      .setHasdetaileddiff(!plain);
    const roots = (paths: string[]) => [...new Set(paths.map((path) => path.split(/[.[]/, 1)[0] as string))];
    response.setDiffsList(roots([...changes.keys()]));
    response.setReplacesList(
      roots([...changes].filter(([, kind]) => kind.endsWith("Replace")).map(([path]) => path)),
    );
    for (const [path, kind] of plain ? [] : changes) {
      const difference = new messages.PropertyDiff().setKind(KIND[kind] as Messages.PropertyDiff.Kind);
      response.getDetaileddiffMap().set(path, difference);
    }
    return response;
  }

  private async create(request: Messages.CreateRequest): Promise<Messages.CreateResponse> {
    const resource = await this.resource(request.getUrn());
    const { id, state } = await this.run(request.getUrn(), request.getTimeout(), (context) =>
      resource.create({ inputs: decode(request.getProperties()), preview: request.getPreview() }, context),
    );
    return new messages.CreateResponse().setId(id).setProperties(encode(state));
  }

  private async read(request: Messages.ReadRequest): Promise<Messages.ReadResponse> {
    const resource = await this.resource(request.getUrn());
    const given = {
      id: request.getId(),
      state: decode(request.getProperties()),
      inputs: decode(request.getInputs()),
    };
    if (!resource.read && Object.keys(given.state).length === 0) {
      throw new Refusal(grpc.status.UNIMPLEMENTED, notAvailable(`${typeOf(request.getUrn())}: import`));
    }
    const { id, state, inputs } = resource.read ? await resource.read(given) : given;
    return new messages.ReadResponse().setId(id).setProperties(encode(state)).setInputs(encode(inputs));
  }

  private async update(request: Messages.UpdateRequest): Promise<Messages.UpdateResponse> {
    const resource = await this.resource(request.getUrn());
    const { update } = resource;
    if (!update) throw new Error(`${typeOf(request.getUrn())} has no property that can be updated in place`);
    const state = await this.run(request.getUrn(), request.getTimeout(), (context) =>
      update.call(
        resource,
        {
          id: request.getId(),
          state: decode(request.getOlds()),
          inputs: decode(request.getNews()),
          preview: request.getPreview(),
        },
        context,
      ),
    );
    return new messages.UpdateResponse().setProperties(encode(state));
  }

  private async delete(request: Messages.DeleteRequest): Promise<Empty> {
    const resource = await this.resource(request.getUrn());
    await this.run(request.getUrn(), request.getTimeout(), async (context) =>
      resource.delete?.({ id: request.getId(), state: decode(request.getProperties()) }, context),
    );
    return new empties.Empty();
  }

  private async resource(urn: string): Promise<Resource> {
    const type = typeOf(urn);
    const load = this.provider.resources[type];
    if (!load) throw new Refusal(grpc.status.UNIMPLEMENTED, notAvailable(type));
    return load();
  }

  /** Runs an operation; its log is with the engine before its result is. `seconds` 0 means no time limit. */
  private async run<Result>(
    urn: string,
    seconds: number,
    operation: (context: Context) => Promise<Result>,
  ): Promise<Result> {
    const signals = [this.cancelled.signal];
    const expired = new AbortController();
    const timer =
      seconds > 0
        ? setTimeout(
            () => expired.abort(new Error(`timed out after ${seconds} s (customTimeouts)`)),
            seconds * 1000,
          )
        : undefined;
    if (timer) signals.push(expired.signal);
    const context: Context = {
      urn,
      name: urn.slice(urn.lastIndexOf("::") + 2),
      signal: AbortSignal.any(signals),
      log: (severity, message, options) =>
        this.log(urn, SEVERITY[severity], message, options?.status ?? false),
    };
    this.running++;
    try {
      return await operation(context);
    } finally {
      clearTimeout(timer);
      await this.logged;
      this.running--;
    }
  }

  private log(urn: string, severity: number, message: string, ephemeral: boolean): void {
    const engine = this.connected();
    if (!engine) return;
    const { LogRequest }: typeof EngineMessages = require("@pulumi/pulumi/proto/engine_pb.js");
    const request = new LogRequest()
      .setSeverity(severity as EngineMessages.LogSeverity)
      .setMessage(message)
      .setUrn(urn)
      .setEphemeral(ephemeral);
    // An engine that no longer takes log lines is going away; the operation's own result matters more.
    this.logged = this.logged.then(() => new Promise((resolve) => engine.log(request, () => resolve())));
  }
}

/** The resource's type token: the last of the types in its URN's third part. */
function typeOf(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

function decode(struct: Struct | undefined): Properties {
  return (struct?.toJavaScript() ?? {}) as Properties;
}

function encode(properties: Properties): Struct {
  const defined = Object.entries(properties).filter(([, value]) => value !== undefined);
  return structs.Struct.fromJavaScript(
    Object.fromEntries(defined) as Record<string, Exclude<Value, undefined>>,
  );
}
