import { spawn } from "node:child_process";
import { join } from "node:path";

/**
 * Makes the base image of local hosts, where this computer has none yet. The first local host would do it as well; here
 * it can go on beside something else.
 *
 * @throws when it cannot be made; why has been said on standard error
 */
export function ensureImage(root: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", [join(root, "components/host/local/image.sh")], {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const end = () => child.kill("SIGTERM");
    process.once("exit", end);
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", end);
      if (code === 0) resolve();
      else reject(new Error("the image of local hosts could not be made; why is said above."));
    });
  });
}
