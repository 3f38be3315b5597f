import type { RunPluginRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { optionsEnvironment, providerOption, readOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { type PolicyProxy, policyProxy } from "./policy.ts";
import { ended, start, stop } from "./processes.ts";
import { notAvailable } from "./refusal.ts";
import { locateModule } from "./run.ts";

/**
 * Runs a plugin that is written for Node: one of Berth's providers, a policy pack, or a provider that a project names
 * by its folder. A policy pack learns of its stack by its environment, so it is started once the engine has told of
 * the stack.
 */
export async function runPlugin(
  request: RunPluginRequest,
  engine: string,
  output: Output,
  abandoned: (stopIt: () => void) => void,
): Promise<void> {
  if (request.getAttachDebugger()) throw notAvailable("--attach-debugger");
  const info = request.getInfo();
  if (!info) throw new Error("The engine asked for a plugin to be run without saying which.");
  const given = info.getOptions()?.toJavaScript() ?? {};
  const own = providerOption(given);
  if (own !== undefined) {
    const { runProvider } = await import("./provider.ts");
    return runProvider(own, engine, output, abandoned);
  }
  const folder = info.getProgramDirectory();
  const options = readOptions(given);
  const isPolicy = request.getKind() === "analyzer";
  const module = isPolicy ? "@pulumi/pulumi/cmd/run-policy-pack" : "@pulumi/pulumi/cmd/run-plugin";
  const runner = locateModule(module, folder, "npm install");

  let proxy: PolicyProxy | undefined;
  let stackEnvironment = {};
  if (isPolicy) {
    proxy = await policyProxy();
    abandoned(() => proxy?.close());
    output.stdout(Buffer.from(`${proxy.port}\n`));
    stackEnvironment = await proxy.stackEnvironment;
  }

  const environment = Object.fromEntries(request.getEnvList().map((entry) => splitOnce(entry)));
  const args = isPolicy ? [...request.getArgsList(), folder] : [folder, ...request.getArgsList()];
  const child = start(engine, process.execPath, [...options.nodeargs, runner, ...args], {
    cwd: isPolicy ? folder : request.getPwd(),
    env: { ...environment, ...optionsEnvironment(options), ...stackEnvironment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  abandoned(() => stop(child));
  child.stderr?.on("data", output.stderr);
  if (proxy) proxy.attach(child, output.stdout);
  else child.stdout?.on("data", output.stdout);

  const { code, signal } = await ended(child);
  proxy?.close();
  if (code !== 0) {
    throw new Error(
      `The plugin in ${folder} ${signal ? `was ended by ${signal}` : `exited with code ${code}`}`,
    );
  }
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
}
