// Any provider plugin as a gRPC server to ask; and, run by itself, the maker of aws/schema.json from the real aws
// plugin: BERTH_REAL_PLUGINS=DIR sh scripts/node test/cloud/real-provider.ts
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Grpc from "@grpc/grpc-js";
import type * as Messages from "@pulumi/pulumi/proto/provider_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { Properties, Value } from "../../engine/plugins/values.ts";
import { carried, type ResourceSchema, type Schema } from "./aws/schema.ts";

const require = createRequire(import.meta.url);
const grpc: typeof Grpc = require("@grpc/grpc-js");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const messages: typeof Messages = require("@pulumi/pulumi/proto/provider_pb.js");
const structs: { Struct: typeof Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

export interface Checked {
  readonly inputs: Properties;
  readonly failures: readonly string[];
}

export interface ProviderProcess {
  configure(config: Properties): Promise<void>;
  check(type: string, news: Properties, olds?: Properties): Promise<Checked>;
  /** The properties that changed; those that replace. */
  diff(
    type: string,
    request: { id: string; state: Properties; oldInputs: Properties; news: Properties },
  ): Promise<{ changed: string[]; replaced: string[] }>;
  create(type: string, inputs: Properties, preview: boolean): Promise<{ id: string; state: Properties }>;
  schema(): Promise<Properties>;
  stop(): void;
}

const urn = (type: string) => `urn:pulumi:s::p::${type}::name`;
const struct = (value: Properties) =>
  structs.Struct.fromJavaScript(value as Record<string, Exclude<Value, undefined>>);

/** Starts a provider: the path of its plugin, and what to start it with. It ends with this process. */
export async function startProvider(
  command: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProviderProcess> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env });
  process.once("exit", () => child.kill());
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(`${data}`.trim()));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended (${code})`)));
  });
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  const call = <Response>(method: string, request: unknown): Promise<Response> =>
    new Promise((resolve, reject) =>
      client[method](request, (error: Error | null, response: Response) =>
        error ? reject(error) : resolve(response),
      ),
    );
  const plain = (value: Struct | undefined) => (value?.toJavaScript() ?? {}) as Properties;
  return {
    async configure(config) {
      const request = new messages.ConfigureRequest();
      request.setArgs(struct(config)).setAcceptsecrets(true).setAcceptresources(true);
      for (const [name, value] of Object.entries(config))
        request.getVariablesMap().set(`aws:config:${name}`, `${value}`);
      await call("configure", request);
    },
    async check(type, news, olds = {}) {
      const request = new messages.CheckRequest().setUrn(urn(type)).setType(type).setName("name");
      request.setNews(struct(news)).setOlds(struct(olds));
      const answer = await call<Messages.CheckResponse>("check", request);
      const failures = answer.getFailuresList().map((one) => `${one.getProperty()}: ${one.getReason()}`);
      return { inputs: plain(answer.getInputs()), failures };
    },
    async diff(type, { id, state, oldInputs, news }) {
      const request = new messages.DiffRequest().setUrn(urn(type)).setType(type).setName("name").setId(id);
      request.setOlds(struct(state)).setOldInputs(struct(oldInputs)).setNews(struct(news));
      const answer = await call<Messages.DiffResponse>("diff", request);
      const sorted = (list: string[]) => [...new Set(list)].sort();
      return { changed: sorted(answer.getDiffsList()), replaced: sorted(answer.getReplacesList()) };
    },
    async create(type, inputs, preview) {
      const request = new messages.CreateRequest().setUrn(urn(type)).setType(type).setName("name");
      request.setProperties(struct(inputs)).setPreview(preview);
      const answer = await call<Messages.CreateResponse>("create", request);
      return { id: answer.getId(), state: plain(answer.getProperties()) };
    },
    async schema() {
      const answer = await call<Messages.GetSchemaResponse>("getSchema", new messages.GetSchemaRequest());
      return JSON.parse(answer.getSchema());
    },
    stop() {
      client.close();
      child.kill();
    },
  };
}

export const realAws = (folder: string) => join(folder, "plugins/resource-aws-v7.48.0/pulumi-resource-aws");

interface Spec {
  readonly type?: string;
  readonly $ref?: string;
  readonly items?: Spec;
  readonly additionalProperties?: Spec;
  readonly willReplaceOnChanges?: boolean;
  readonly secret?: boolean;
  readonly default?: Value;
  readonly properties?: Record<string, Spec>;
  readonly inputProperties?: Record<string, Spec>;
  readonly requiredInputs?: string[];
  readonly required?: string[];
}

/** What the simulator needs of the real provider's schema: the carried types' properties, and which replace. */
export function reduced(whole: Properties): Schema {
  const { resources, types } = whole as unknown as Record<"resources" | "types", Record<string, Spec>>;
  const nested = (spec: Spec): string[] => {
    const inner = types[(spec.$ref ?? spec.items?.$ref ?? "").replace("#/types/", "")]?.properties ?? {};
    return Object.entries(inner).flatMap(([name, one]) => [
      ...(one.willReplaceOnChanges ? [name] : []),
      ...nested(one).map((path) => `${name}.${path}`),
    ]);
  };
  const described = (spec: Spec): ResourceSchema => {
    const inputs = Object.entries(spec.inputProperties ?? {});
    const computed = (name: string) => spec.required?.includes(name) && !spec.requiredInputs?.includes(name);
    return {
      inputs: Object.fromEntries(inputs.map(([name, one]) => [name, one.type ?? "object"])),
      required: spec.requiredInputs ?? [],
      replaces: inputs.flatMap(([name, one]) => [
        ...(one.willReplaceOnChanges ? [name] : []),
        ...nested(one).map((path) => `${name}.${path}`),
      ]),
      computed: inputs.map(([name]) => name).filter(computed),
      secrets: Object.entries(spec.properties ?? {}).flatMap(([name, one]) => (one.secret ? [name] : [])),
      outputs: Object.keys(spec.properties ?? {}),
    };
  };
  return Object.fromEntries(carried.map((type) => [type, described(resources[type] ?? {})]));
}

if (process.argv[1] === import.meta.filename) {
  const provider = await startProvider(realAws(process.env.BERTH_REAL_PLUGINS ?? ""));
  const file = join(import.meta.dirname, "aws/schema.json");
  writeFileSync(file, `${JSON.stringify(reduced(await provider.schema()), null, 1)}\n`);
  provider.stop();
}
