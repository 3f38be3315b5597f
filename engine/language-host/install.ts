import type { InstallDependenciesRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { readOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { ended, start } from "./processes.ts";

/** `pulumi install`: the program's npm packages. */
export async function installDependencies(
  request: InstallDependenciesRequest,
  engine: string,
  output: Output,
): Promise<void> {
  const info = request.getInfo();
  if (!info) throw new Error("The engine asked for packages to be installed without saying where.");
  const options = readOptions(info.getOptions()?.toJavaScript() ?? {});
  output.stdout(Buffer.from("Installing dependencies...\n\n"));
  // Not `npm ci`: it would first remove the packages from which this language host itself runs.
  const args = ["install", "--loglevel=error", ...(options.production ? ["--omit=dev"] : [])];
  const child = start(engine, "npm", args, {
    cwd: info.getProgramDirectory(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout?.on("data", output.stdout);
  child.stderr?.on("data", output.stderr);
  const { code, signal } = await ended(child);
  if (code !== 0)
    throw new Error(`'npm install' in ${info.getProgramDirectory()} ended with ${signal ?? `code ${code}`}`);
  output.stdout(Buffer.from("Finished installing dependencies\n\n"));
}
