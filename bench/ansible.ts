import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pythonWith } from "../scripts/lib/python.ts";
import { type Contender, type Spent, site } from "./contender.ts";
import { type Deployment, newDeployment, pinned } from "./deployment.ts";
import type { BareHost } from "./host.ts";
import { measure } from "./measure.ts";

/**
 * bench/contenders/ansible, by ansible-playbook with pipelining, or with Mitogen's strategy in place of Ansible's own.
 *
 * @throws when the packages cannot be had
 */
export async function ansible(
  root: string,
  folder: string,
  way: "pipelining" | "mitogen",
): Promise<Contender> {
  const mitogen = way === "mitogen";
  const source = join(root, "bench/contenders/ansible");
  const requirements = join(source, "requirements.txt");
  const programs = await pythonWith(requirements, "ansible");
  const python = join(programs, "python");
  const place = join(folder, way);
  const env = {
    ...process.env,
    LC_ALL: "C.UTF-8",
    ANSIBLE_CONFIG: join(source, "ansible.cfg"),
    ANSIBLE_HOME: place,
    ANSIBLE_SSH_CONTROL_PATH_DIR: join(place, "cp"),
    ...(mitogen ? mitogenStrategy(python) : {}),
  };
  const deployments = new Map<string, Deployment>();
  const run = async (host: BareHost, maxBody: number): Promise<Spent> => {
    const deployment = deployments.get(host.name) ?? newDeployment(root, folder);
    deployments.set(host.name, deployment);
    const inventory = join(place, `${host.name}.yml`);
    writeFileSync(inventory, JSON.stringify(inventoryOf(host, { ...deployment, max_body: maxBody })), {
      mode: 0o600,
    });
    try {
      return await measure({
        command: python,
        args: ["-m", "ansible", "playbook", "-i", inventory, join(source, "site.yml")],
        cwd: source,
        env,
      });
    } finally {
      closeConnections(place, host);
    }
  };
  return {
    name: mitogen ? "Ansible with Mitogen" : "Ansible with pipelining",
    version: `ansible ${pinned(requirements, "ansible")}, ansible-core ${pinned(requirements, "ansible-core")}${
      mitogen ? `, mitogen ${pinned(requirements, "mitogen")}` : ""
    }`,
    async prepare() {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      await measure({ command: python, args: ["-m", "ansible", "playbook", "--version"], env });
    },
    bootstrap: (host) => run(host, site.maxBody),
    again: (host) => run(host, site.maxBody),
    changeLine: (host) => run(host, site.otherMaxBody),
  };
}

/** An inventory is YAML, and so may be JSON. */
const inventoryOf = (host: BareHost, deployment: Deployment) => ({
  all: {
    hosts: {
      [host.name]: {
        ansible_host: host.address,
        ansible_user: host.user,
        ansible_ssh_private_key_file: host.keyFile,
        ansible_ssh_common_args: host.ssh.slice(0, -1).join(" "),
        ...deployment,
      },
    },
  },
});

function mitogenStrategy(python: string): NodeJS.ProcessEnv {
  const found = spawnSync(
    python,
    ["-c", "import ansible_mitogen.plugins.strategy as s; print(list(s.__path__)[0])"],
    {
      encoding: "utf8",
    },
  );
  if (found.status !== 0) throw new Error(`Mitogen: ${found.stderr}`);
  return { ANSIBLE_STRATEGY: "mitogen_linear", ANSIBLE_STRATEGY_PLUGINS: found.stdout.trim() };
}

/** Ansible keeps its connection for a minute. The next stage is to find none, as a run on the next day would. */
function closeConnections(place: string, host: BareHost): void {
  spawnSync("sh", [
    "-c",
    'for one in "$1"/*; do ssh -O exit -S "$one" "$2"; done',
    "sh",
    join(place, "cp"),
    host.address,
  ]);
}
