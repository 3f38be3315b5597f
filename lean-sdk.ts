// Loaded before Pulumi's SDK (see Pulumi.yaml, runtime.options.nodeargs), and the reason why a preview or an update
// without changes takes a third less than it would: the SDK does much at every start that this program never needs.
// Nothing is taken away but source maps; the rest is loaded when it is first asked for.
import { createRequire, registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);

/**
 * The SDK's modules that come later or never, by the end of their path, and the CommonJS text that stands in for
 * each; `whole()` is the real module.
 */
const standIns: Readonly<Record<string, string>> = {
  // To write down functions that run elsewhere (dynamic providers, functions as a service), the SDK reads npm's
  // resolver and TypeScript's compiler, and makes Node's debugger watch the whole run.
  "/@npmcli/arborist/lib/index.js": `module.exports = new Proxy({}, {
    get: (_, name) => name === "__esModule" || (name === "default" ? whole() : whole()[name]),
  });`,
  "/@pulumi/pulumi/typescript-shim.js": `module.exports = new Proxy({}, { get: (_, name) => whole()[name] });`,
  "/@pulumi/pulumi/runtime/closure/v8Hooks.js": `
    exports.isInitializedAsync = async () => {};
    for (const name of ["getSessionAsync", "getScriptUrl"]) exports[name] = (...given) => whole()[name](...given);`,
  // Node strips the types of this program and keeps every position, so stack traces are right as they are. Mapped
  // ones cost the reading of every package's source map, and Pulumi takes a stack trace at each resource.
  "/source-map-support/register.js": "",
  // A message to the engine for each step of each resource, which only 'pulumi up --debug' shows.
  "/@pulumi/pulumi/log/index.js": `
    module.exports = whole();
    if (process.env.BERTH_SDK_DEBUG === undefined) module.exports.debug = async () => {};`,
};

const wholes = new Map<string, unknown>();

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
    const end = Object.keys(standIns).find((path) => url.endsWith(path));
    if (end === undefined || wholes.has(fileURLToPath(url))) return next(url, context);
    const source = `const whole = () => globalThis[Symbol.for("${shared.description}")](__filename);\n${standIns[end]}`;
    return { format: "commonjs", source, shortCircuit: true };
  },
});
