// The life cycle of the command provider's resources, as of @pulumi/command 1.2.1. What runs a command is loaded only
// when one runs: a preview or an update without changes needs none of it.

import { randomBytes } from "node:crypto";
import {
  type Context,
  type Difference,
  type DifferenceKind,
  notAvailable,
  type Resource,
} from "../provider.ts";
import {
  differences,
  equal,
  isArchive,
  isAsset,
  isUnknown,
  type Properties,
  reveal,
  UNKNOWN,
  unwrap,
  type Value,
} from "../values.ts";
import {
  checkInputs,
  copyToRemoteFields,
  type Fields,
  localCommandFields,
  remoteCommandFields,
} from "./schema.ts";
import type { CommandInputs, Connection, Output, Run } from "./types.ts";

/** Only `triggers` replaces (its elements by a `replaceOnChanges` of the SDK); all other changes update. */
async function difference(oldInputs: Properties, news: Properties): Promise<Difference> {
  const changes = new Map<string, DifferenceKind>();
  const compared = Object.fromEntries(
    Object.entries(news).filter(([name]) => name !== "version" && !name.startsWith("__")),
  );
  for (const [path, change] of differences(oldInputs, compared)) {
    changes.set(path, path === "triggers" ? `${change}Replace` : change);
  }
  return { changes };
}

/** Eight random hexadecimal digits after the name: the form of the real provider's ids. */
function newId(name: string): string {
  return name + randomBytes(4).toString("hex");
}

function command(fields: Fields, refused: readonly string[], load: () => Promise<Run>): Resource {
  const previousOutput = (state: Properties): Output => ({
    stdout: (reveal(state.stdout) as string | undefined) ?? "",
    stderr: (reveal(state.stderr) as string | undefined) ?? "",
  });
  return {
    async check(news, _olds, context) {
      const { inputs, failures } = checkInputs(news, fields);
      for (const name of refused) {
        const type = context.urn.split("::")[2]?.split("$").at(-1);
        if ((news[name] ?? null) !== null) {
          failures.push({ property: name, reason: notAvailable(`${type} ${name}`) });
        }
      }
      return { inputs, failures };
    },
    diff: ({ oldInputs, news }) => difference(oldInputs, news),
    async create({ inputs, preview }, context) {
      const id = newId(context.name);
      if (preview) return { id, state: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
      const plain = reveal(inputs) as CommandInputs;
      const nothing = { stdout: "", stderr: "" };
      if (plain.create === undefined) return { id, state: { ...inputs, ...nothing } };
      return { id, state: { ...inputs, ...(await (await load())(plain.create, plain, nothing, context)) } };
    },
    async update({ state, inputs, preview }, context) {
      const previous = { stdout: state.stdout ?? "", stderr: state.stderr ?? "" };
      if (preview) {
        // The output is unknown when an input that was there before is another one now. An input that is new does
        // not count: so it is in the real provider, and a preview must read the same under both.
        const changed = Object.keys(fields).some(
          (name) => isUnknown(inputs[name]) || (name in state && !equal(state[name], inputs[name])),
        );
        return { ...inputs, ...(changed ? { stdout: UNKNOWN, stderr: UNKNOWN } : previous) };
      }
      const plain = reveal(inputs) as CommandInputs;
      const text = plain.update ?? plain.create;
      if (text === undefined) return { ...inputs, ...previous };
      return { ...inputs, ...(await (await load())(text, plain, previousOutput(state), context)) };
    },
    async delete({ state }, context) {
      const plain = reveal(state) as CommandInputs;
      if (plain.delete === undefined) return;
      await (await load())(plain.delete, plain, previousOutput(state), context);
    },
  };
}

export const localCommand = command(
  localCommandFields,
  ["assetPaths", "archivePaths"],
  async () => (await import("./local.ts")).runLocal,
);

export const remoteCommand = command(
  remoteCommandFields,
  [],
  async () => (await import("./remote.ts")).runRemote,
);

export const copyToRemote: Resource = {
  async check(news) {
    const { inputs, failures } = checkInputs(news, copyToRemoteFields);
    const source = unwrap(news.source);
    if (isAsset(source) && typeof source.path !== "string" && typeof source.text !== "string") {
      failures.push({ property: "asset", reason: "asset must be a path-based file asset or a text asset" });
    }
    if (isArchive(source) && typeof source.path !== "string") {
      failures.push({ property: "archive", reason: "archive must be a path to a file or directory" });
    }
    return { inputs, failures };
  },
  diff: ({ oldInputs, news }) => difference(oldInputs, news),
  async create({ inputs, preview }, context) {
    if (preview) return { id: "", state: inputs };
    await copy(inputs, context);
    return { id: newId(""), state: inputs };
  },
  async update({ state, inputs, preview }, context) {
    const moved = reveal(state.remotePath) !== reveal(inputs.remotePath);
    if (!preview && (moved || !equal(reveal(state.source), reveal(inputs.source))))
      await copy(inputs, context);
    return inputs;
  },
};

async function copy(inputs: Properties, context: Context): Promise<void> {
  const { connection, source, remotePath } = reveal(inputs) as {
    connection: Value;
    source: { path?: string; text?: string };
    remotePath: string;
  };
  const { copyFiles } = await import("./copy.ts");
  await copyFiles(connection as unknown as Connection, source, remotePath, context);
}
