import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pythonWith } from "../scripts/lib/python.ts";
import { type Contender, type Spent, site } from "./contender.ts";
import { type Deployment, newDeployment, pinned } from "./deployment.ts";
import type { BareHost } from "./host.ts";
import { measure } from "./measure.ts";

/**
 * bench/contenders/pyinfra, by pyinfra.
 *
 * @throws when the packages cannot be had
 */
export async function pyinfra(root: string, folder: string): Promise<Contender> {
  const source = join(root, "bench/contenders/pyinfra");
  const requirements = join(source, "requirements.txt");
  const python = join(await pythonWith(requirements, "pyinfra"), "python");
  const place = join(folder, "pyinfra");
  const deployments = new Map<string, Deployment>();
  const run = (host: BareHost, maxBody: number): Promise<Spent> => {
    const deployment = deployments.get(host.name) ?? newDeployment(root, folder);
    deployments.set(host.name, deployment);
    const inventory = join(place, `${host.name}.json`);
    writeFileSync(inventory, JSON.stringify(inventoryOf(host, { ...deployment, max_body: maxBody })), {
      mode: 0o600,
    });
    return measure({
      command: python,
      args: ["-m", "pyinfra", "--yes", "inventory.py", "deploy.py"],
      cwd: source,
      env: { ...process.env, LC_ALL: "C.UTF-8", BENCH_INVENTORY: inventory, PYTHONDONTWRITEBYTECODE: "1" },
    });
  };
  return {
    name: "pyinfra",
    version: `pyinfra ${pinned(requirements, "pyinfra")}`,
    async prepare() {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      await measure({ command: python, args: ["-m", "pyinfra", "--version"] });
    },
    bootstrap: (host) => run(host, site.maxBody),
    again: (host) => run(host, site.maxBody),
    changeLine: (host) => run(host, site.otherMaxBody),
  };
}

/** An address and what is known of it, for bench/contenders/pyinfra/inventory.py. */
const inventoryOf = (host: BareHost, deployment: Deployment) => [
  host.address,
  {
    ssh_user: host.user,
    ssh_key: host.keyFile,
    ssh_known_hosts_file: host.knownHosts,
    ssh_strict_host_key_checking: "yes",
    ssh_allow_agent: false,
    ssh_look_for_keys: false,
    ...deployment,
  },
];
