import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Checks every shell file with shellcheck. The scripts of steps are checked as they run, behind the shell library,
 * which gives them their functions; those of one service together, for they may share slots.
 *
 * @returns what shellcheck found, nothing when all is well
 */
export function checkShell(root: string): string {
  const library = globSync("components/host/lib/*.sh", { cwd: root }).sort();
  const steps = globSync("components/*/*.sh", { cwd: root, exclude: ["components/host/*"] }).sort();
  const standalone = globSync(
    [
      "components/host/local/*.sh",
      "components/host/reach.sh",
      "engine/**/*.sh",
      "scripts/**/*.sh",
      "bench/**/*.sh",
      "scripts/node",
      ".ci/run",
    ],
    { cwd: root },
  ).sort();
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const texts = [...steps, "components/host/connect.sh", "components/host/connect-removal.sh"].map((path) => {
    // A step may be made of several files, which share their slots and what the first of them sets.
    const beside = steps.filter((other) => dirname(other) === dirname(path));
    const common = join(dirname(path), "common.sh");
    const shared = steps.includes(common) && path !== common ? [common] : [];
    return {
      path,
      text: ["step=name", slots(beside.map(read)), ...[...library, ...shared, path].map(read)].join("\n"),
    };
  });
  const findings = texts.map(({ path, text }) =>
    shellcheck(root, ["--exclude=SC2034,SC2016,SC2317", "-"], text).replaceAll("In -", `In ${path}`),
  );
  return [...findings, shellcheck(root, ["-x", ...standalone])].join("");
}

/** Every slot that the scripts declare, filled. */
function slots(scripts: readonly string[]): string {
  const names = scripts.flatMap((text) => [...text.matchAll(/^: "\$\{(\w+)\?/gm)].map((match) => match[1]));
  return [...new Set(names)].map((name) => `${name}=value`).join("\n");
}

function shellcheck(root: string, args: readonly string[], input?: string): string {
  const result = spawnSync("shellcheck", ["-s", "bash", ...args], {
    cwd: root,
    encoding: "utf8",
    ...(input === undefined ? {} : { input }),
  });
  if (result.error) throw new Error("shellcheck is not installed (Debian: apt-get install shellcheck)");
  return result.stdout + result.stderr;
}
