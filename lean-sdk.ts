// Loaded before Pulumi's SDK (see Pulumi.yaml, runtime.options.nodeargs). At every start the SDK does much that this
// program never needs, and has no switch for: see docs/speed.md for what it costs, and 'npm run bench -- --what sdk' to
// measure it. This file goes when that is less than 0.1 seconds of processor time. Source maps, the SDK's debug messages and
// the places of its promises are left out; everything else is loaded when it is first asked for.
import { readFileSync } from "node:fs";
import { createRequire, enableCompileCache, registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

// Compiled code is kept between runs, as the language host and the providers keep theirs.
enableCompileCache(fileURLToPath(new URL("node_modules/.cache/berth", import.meta.url)));

const require = createRequire(import.meta.url);

/**
 * The SDK's modules that come later or never, by the end of their path, and the CommonJS text that stands in for
 * each; `whole()` is the real module.
 */
const standIns: Readonly<Record<string, string>> = {
  // To write down functions that run elsewhere (dynamic providers, functions as a service), the SDK reads npm's
  // resolver and TypeScript's compiler, and makes Node's debugger watch the whole run.
  "/@pulumi/pulumi/runtime/closure/codePaths.js": later("computeCodePaths"),
  "/@pulumi/pulumi/runtime/closure/serializeClosure.js": later("serializeFunction", "serializeFunctionAsync"),
  "/@pulumi/pulumi/runtime/closure/v8Hooks.js": `exports.isInitializedAsync = async () => {};
    ${later("getSessionAsync", "getScriptUrl")}`,
  // To drive other stacks: an interface that a program under 'pulumi up' has no use for.
  "/@pulumi/pulumi/automation/index.js": untilUsed(),
  // Node strips the types of this program and keeps every position, so stack traces are right as they are. Mapped
  // ones cost the reading of every package's source map, and Pulumi takes a stack trace at each resource.
  "/source-map-support/register.js": "",
  // To send traces to a collector the SDK reads OpenTelemetry's whole SDK, which only 'pulumi up --tracing' uses. Its
  // interface alone is enough to name the spans of a trace that nobody follows.
  "/@pulumi/pulumi/cmd/run/tracing.js": `const { trace } = require("@opentelemetry/api");
    let started = false;
    exports.start = (url) => { started = true; whole().start(url); };
    exports.stop = () => whole().stop();
    exports.newSpan = (name) => started ? whole().newSpan(name) : trace.getTracer("nodejs-runtime").startSpan(name);`,
  // A message to the engine for each step of each resource, which only 'pulumi up --debug' shows.
  "/@pulumi/pulumi/log/index.js": `
    module.exports = whole();
    if (process.env.BERTH_SDK_DEBUG === undefined) module.exports.debug = async () => {};`,
};

/** Pieces of the SDK's modules that are other ones here, by the end of the module's path. */
const edits: Readonly<Record<string, readonly [string, string]>> = {
  // Where each promise was made, which is only ever told when the SDK is asked to look for promises that stay open.
  "/@pulumi/pulumi/runtime/debuggable.js": [
    "new Error().stack",
    "exports.debugPromiseLeaks ? new Error().stack : undefined",
  ],
};

const ends = Object.keys(standIns);
const wholes = new Map<string, unknown>();

/** Exports functions that load the real module when they are called. */
function later(...names: string[]): string {
  return names.map((name) => `exports.${name} = (...given) => whole().${name}(...given);`).join("\n");
}

/** Stands for a whole module, which is loaded when anything of it is asked for. */
function untilUsed(): string {
  return `module.exports = new Proxy({}, {
    get: (_, name) => name === "__esModule" || whole()[name],
    has: (_, name) => name in whole(),
    ownKeys: () => Reflect.ownKeys(whole()),
    getOwnPropertyDescriptor: (_, name) => ({ ...Object.getOwnPropertyDescriptor(whole(), name), configurable: true }),
  });`;
}

function whole(file: string): unknown {
  if (!wholes.has(file)) {
    wholes.set(file, undefined);
    const standIn = require.cache[file];
    delete require.cache[file];
    wholes.set(file, require(file));
    require.cache[file] = standIn;
  }
  return wholes.get(file);
}

// Where the stand-ins find it: they are modules of their own, which share nothing else with this one.
const shared = Symbol.for("berth.lean-sdk");
Object.assign(globalThis, { [shared]: whole });

registerHooks({
  load(url, context, next) {
    // zod reads its messages in sixty languages; this program speaks one of them.
    if (url.endsWith("/zod/v4/locales/index.js"))
      return { format: "module", source: 'export { default as en } from "./en.js";', shortCircuit: true };
    const edit = Object.entries(edits).find(([path]) => url.endsWith(path))?.[1];
    if (edit !== undefined) {
      const source = readFileSync(fileURLToPath(url), "utf8").replace(...edit);
      return { format: "commonjs", source, shortCircuit: true };
    }
    const end = ends.find((path) => url.endsWith(path));
    if (end === undefined || wholes.has(fileURLToPath(url))) return next(url, context);
    const source = `const whole = () => globalThis[Symbol.for("${shared.description}")](__filename);\n${standIns[end]}`;
    return { format: "commonjs", source, shortCircuit: true };
  },
});
