// What a component asks the engine for, without an engine: Pulumi's own mocks, with all that a registration says.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import type { Host } from "../../components/host/host.ts";

/** A host that is not there, made inside what {@link record} runs. */
export const standInHost = (identity = "i-0123456789abcdef0"): Host => ({
  name: "web",
  address: pulumi.output("192.0.2.7"),
  privateAddress: pulumi.output("192.0.2.7"),
  connection: pulumi.output({ host: "192.0.2.7" }),
  hostKey: pulumi.output("ssh-ed25519 AAAA"),
  identity: pulumi.output(identity),
  claim: pulumi.output(identity),
  memory: undefined,
  sshCommand: pulumi.output("ssh"),
  ready: new pulumi.ComponentResource("test:Ready", "ready"),
  deletedWith: undefined,
});

/** A resource as the program asked for it. */
export interface Made {
  /** Such as `aws:ec2/instance:Instance`. */
  readonly type: string;
  readonly name: string;
  /** Its inputs as plain values. What is secret is in clear here; `secrets` says where. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into inputs of many types
  readonly inputs: Record<string, any>;
  /** Paths of the inputs that are secret, such as `privateKey` or `tags.a` or `list[0]`. */
  readonly secrets: readonly string[];
  /** Name of its parent, where it has one. */
  readonly parent: string | undefined;
  /** Names of the resources that it waits for, whether an input comes from them or dependsOn names them. */
  readonly dependsOn: readonly string[];
  /** Name of its provider, where it has an explicit one. */
  readonly provider: string | undefined;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** Names of the resources with whose replacement it is replaced. */
  readonly replaceWith: readonly string[];
  /** Name of the resource with which it goes. */
  readonly deletedWith: string | undefined;
  /** The value of the option `replacementTrigger`. */
  readonly replacementTrigger: unknown;
  readonly custom: boolean;
}

/** A look-up as the program asked for it. */
export interface Asked {
  /** Such as `aws:ec2/getVpc:getVpc`. */
  readonly token: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into arguments of many types
  readonly inputs: Record<string, any>;
}

// biome-ignore lint/suspicious/noExplicitAny: see above
type Values = Record<string, any>;

export interface Surroundings {
  /** @default "shop" */
  readonly project?: string;
  /** @default "prod" */
  readonly stack?: string;
  /** Whether it is a preview: then what is not known yet stays unknown. @default false */
  readonly preview?: boolean;
  /** Outputs by type, beside the inputs and those that every resource gets (`arn`, `id`). */
  readonly outputs?: Readonly<Record<string, (inputs: Values, name: string) => Values>>;
  /**
   * Answers by token. One that throws is a look-up that fails. A look-up without an answer fails the test's program.
   */
  readonly answers?: Readonly<Record<string, (inputs: Values) => Values>>;
}

export interface Recording<T> {
  /** What the program returned. Outputs in it: see {@link known}. */
  readonly result: T;
  readonly resources: readonly Made[];
  readonly invokes: readonly Asked[];
  /** All resources of a type; `Instance` is short for `aws:ec2/instance:Instance`. */
  all(type: string): readonly Made[];
  /** The one resource of a type; another number of them fails the test. */
  only(type: string): Made;
  /** The one resource of a name. */
  named(name: string): Made;
}

/** Runs a program that makes components, and tells what it asked for. */
export async function record<T>(
  program: () => T | Promise<T>,
  surroundings: Surroundings = {},
): Promise<Recording<T>> {
  const { project = "shop", stack = "prod", preview = false } = surroundings;
  const asked: Asked[] = [];
  const made: Made[] = [];
  await pulumi.runtime.setMocks(mocksOf(surroundings, asked), project, stack, preview, "organization");
  // The mocks hear of type, name and inputs alone; the engine's place hears it all.
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: RegisterResourceRequest, callback) => {
    made.push(madeOf(request));
    return register(request, callback);
  };
  let result: T;
  try {
    result = await program();
  } finally {
    // What a program that failed has begun, too, would else reach the next one's engine.
    await settled(() => made.length + asked.length);
  }
  const resources = made;
  const one = (found: readonly Made[], what: string): Made => {
    const there = resources.map(({ type, name }) => `${type} ${name}`).join("\n  ");
    assert.equal(found.length, 1, `one ${what} expected; there are:\n  ${there}`);
    return found[0] as Made;
  };
  const all = (type: string) =>
    resources.filter((made) => made.type === type || made.type.endsWith(`:${type}`));
  return {
    result,
    resources,
    invokes: asked,
    all,
    only: (type) => one(all(type), type),
    named: (name) =>
      one(
        resources.filter((made) => made.name === name),
        name,
      ),
  };
}

/** Waits until nothing is on its way to the engine, and nothing comes of what has come back. */
async function settled(count: () => number): Promise<void> {
  let before: number;
  do {
    before = count();
    await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    await new Promise((resolve) => setTimeout(resolve, 1));
  } while (count() !== before);
}

/** The value of an output, once it is known. */
export function known<T>(output: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return new Promise((resolve) => {
    pulumi.output(output).apply((value) => resolve(value));
  });
}

function mocksOf({ outputs = {}, answers = {} }: Surroundings, asked: Asked[]): pulumi.runtime.Mocks {
  return {
    newResource: ({ type, name, inputs, id }) => ({
      id: id || `${name}-id`,
      state: {
        arn: `arn:aws:mock:eu-central-1:123456789012:${name}`,
        ...inputs,
        ...usual[type]?.(inputs, name),
        ...outputs[type]?.(inputs, name),
      },
    }),
    call: ({ token, inputs }) => {
      asked.push({ token, inputs });
      try {
        const answer = answers[token];
        if (answer === undefined) throw new Error(`the test has no answer for ${token}`);
        return answer(inputs);
      } catch (error) {
        // As the engine's failures come: the program is told the details alone.
        throw Object.assign(error as Error, { details: (error as Error).message });
      }
    },
  };
}

function madeOf(request: RegisterResourceRequest): Made {
  const secrets: string[] = [];
  const trigger = request.getReplacementTrigger()?.toJavaScript();
  return {
    type: request.getType(),
    name: request.getName(),
    inputs: plain(request.getObject()?.toJavaScript() ?? {}, "", secrets) as Values,
    secrets,
    parent: nameOf(request.getParent()),
    dependsOn: [...new Set(request.getDependenciesList().map((urn) => nameOf(urn) as string))].sort(),
    provider: nameOf(request.getProvider().split("::").slice(0, 4).join("::")),
    protect: request.getProtect() ?? false,
    retainOnDelete: request.getRetainondelete() ?? false,
    deleteBeforeReplace: request.getDeletebeforereplace(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    replaceWith: request.getReplaceWithList().map((urn) => nameOf(urn) as string),
    deletedWith: nameOf(request.getDeletedwith()),
    replacementTrigger: trigger === undefined ? undefined : plain(trigger, "", []),
    custom: request.getCustom(),
  };
}

/** Outputs that programs go on working with. */
const usual: Readonly<Record<string, (inputs: Values, name: string) => Values>> = {
  "aws:ec2/eip:Eip": () => ({ publicIp: "203.0.113.7", allocationId: "eipalloc-0123456789abcdef0" }),
  "aws:iam/accessKey:AccessKey": (_, name) => ({ secret: `secret of ${name}` }),
  "command:local/command:Command": () => ({ stdout: "" }),
  "command:remote:Command": () => ({ stdout: "" }),
  "random:index/randomPassword:RandomPassword": (_, name) => ({ result: `password of ${name}` }),
  "random:index/randomId:RandomId": () => ({ hex: "0badcafe" }),
  "tls:index/privateKey:PrivateKey": (_, name) => ({
    publicKeyOpenssh: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${name.replaceAll("-", "")}`,
    privateKeyOpenssh: `private key of ${name}\n`,
    privateKeyPem: `private key of ${name}\n`,
  }),
};

/** The last part of a URN. */
function nameOf(urn: string): string | undefined {
  return urn === "" ? undefined : urn.split("::").at(-1);
}

/** A value of the protocol without its wrappings; what was secret is told by its path. */
function plain(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => plain(item, `${path}[${index}]`, secrets));
  }
  if (typeof value !== "object" || value === null) {
    return value === pulumi.runtime.unknownValue ? undefined : value;
  }
  const given = value as Values;
  switch (given[pulumi.runtime.specialSigKey]) {
    case pulumi.runtime.specialSecretSig:
      secrets.push(path);
      return plain(given.value, path, secrets);
    case pulumi.runtime.specialResourceSig:
      return given.id ?? given.urn;
    default:
      return Object.fromEntries(
        Object.entries(given).map(([key, item]) => [
          key,
          plain(item, path === "" ? key : `${path}.${key}`, secrets),
        ]),
      );
  }
}
