import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { optionsEnvironment, readOptions } from "./options.ts";
import { ended, start, stop } from "./processes.ts";
import { notAvailable } from "./refusal.ts";

/** The SDK's exit code for "I have told the user what is wrong". */
const alreadyExplained = 32;

/** The end of a program: an error for the user, or `bail` where the program has already shown it. */
export interface RunResult {
  readonly error: string;
  readonly bail: boolean;
}

/** Where a program's own copy of an SDK module lies. */
export function locateModule(module: string, program: string, install: string): string {
  try {
    return createRequire(join(program, "package.json")).resolve(module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      `The Pulumi SDK is not installed in ${program}: '${module}' was not found. Run '${install}' there.`,
    );
  }
}

/** A key of the configuration as the SDK's runner expects it: `project:config:name` for `project:name`. */
function configKey(key: string): string {
  const parts = key.split(":");
  return parts.length === 2 ? `${parts[0]}:config:${parts[1]}` : key;
}

/** The command line of the SDK's runner. Flags without a value are left out. */
function runnerArguments(request: RunRequest, engine: string): string[] {
  const info = request.getInfo();
  const flags: [string, string][] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engine],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", info?.getRootDirectory() ?? ""],
    ["stack", request.getStack()],
    ["pwd", info?.getProgramDirectory() ?? request.getPwd()],
    ["parallel", String(request.getParallel())],
  ];
  return [
    ...flags.flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() ?? ".",
    ...request.getArgsList(),
  ];
}

/** The environment of the SDK's runner. Configuration goes here, secrets included: it is the SDK's own protocol. */
function runnerEnvironment(request: RunRequest): Record<string, string> {
  const config: Record<string, string> = {};
  request.getConfigMap().forEach((value: string, key: string) => {
    config[configKey(key)] = value;
  });
  return {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
  };
}

/** Runs a program to its end. `abandoned` is called with what ends it early. */
export async function run(
  request: RunRequest,
  engine: string,
  abandoned: (stopIt: () => void) => void,
): Promise<RunResult> {
  if (request.getAttachDebugger()) throw notAvailable("--attach-debugger");
  const info = request.getInfo();
  if (!info) throw new Error("The engine asked for a program to be run without saying which.");
  const options = readOptions(info.getOptions()?.toJavaScript() ?? {});
  const runner = locateModule("@pulumi/pulumi/cmd/run", info.getProgramDirectory(), "npm install");

  const child = start(
    engine,
    process.execPath,
    [...options.nodeargs, runner, ...runnerArguments(request, engine)],
    {
      env: { ...process.env, ...runnerEnvironment(request), ...optionsEnvironment(options) },
      stdio: ["ignore", "inherit", "pipe"],
    },
  );
  abandoned(() => stop(child));
  setImmediate(async () => (await import("./provider.ts")).warmUp());

  // stderr passes through here, because Node says there that its memory is used up, and nowhere else.
  let last = "";
  child.stderr?.on("data", (data: Buffer) => {
    process.stderr.write(data);
    last = (last + data.toString("latin1")).slice(-8_192);
  });
  const { code, signal } = await ended(child);
  if (code === 0) return { error: "", bail: false };
  if (code === alreadyExplained) return { error: "", bail: true };
  const how = signal ? `was ended by ${signal}` : `exited with non-zero exit code: ${code}`;
  const memory = last.includes("JavaScript heap out of memory")
    ? ". It ran out of memory: give it more with NODE_OPTIONS=--max-old-space-size=MEGABYTES"
    : "";
  return { error: `Program ${how}${memory}`, bail: false };
}
