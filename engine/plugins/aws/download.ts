// Stands for Pulumi's AWS provider until a stack asks for it: `download.ts CLI PROGRAM [arguments of a provider]` lets
// the CLI download it in place of PROGRAM, and becomes it. Otherwise Pulumi would download it, some 200 MB, for every
// stack of this checkout, with AWS or without.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { engineVersions } from "../../versions.ts";
import { tell } from "../tell.ts";

const [cli = "", program = "", ...given] = process.argv.slice(2);
const version = engineVersions().plugins.aws;
const engine = given.findLast((word) => !word.startsWith("-")) ?? "";
await tell(engine, `Downloading Pulumi's AWS provider ${version}, once: this may take some minutes`);
// Standard output is for the provider's port alone. --reinstall, because this stands where it belongs.
const child = spawn(cli, ["plugin", "install", "resource", "aws", version, "--reinstall"], {
  stdio: ["ignore", 2, 2],
});
const [code] = await once(child, "exit");
if (code !== 0) {
  console.error(`Pulumi's AWS provider ${version} could not be downloaded; the reason is above`);
  process.exit(1);
}
process.execve?.(program, [program, ...given], process.env);
