import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { logsFile } from "../host/logs.ts";
import type { Look } from "../host/look.ts";
import { renderTemplate } from "../host/template.ts";
import type { RunningService } from "../service/service.ts";
import type { PackageSet } from "../system/system.ts";

const here = (file: string) => join(import.meta.dirname, file);
const text = (file: string) => readFileSync(here(file), "utf8");

/** A registry that asks who comes. */
export interface Registry {
  /** Its host, with its port if it has one. */
  readonly at: string;
  readonly username: string;
  readonly password: pulumi.Input<string>;
}

export interface DockerArgs {
  readonly host: Host;
  /** Images with their digests, by names of the stack's own. They are fetched. @default none */
  readonly images?: Readonly<Record<string, string>>;
  /** Registries that ask who comes. @default none */
  readonly registries?: readonly Registry[];
  /** Whether root in a container is root of the host, or an account without rights. */
  readonly users: "host" | "remapped";
  /** How much of the disk it may keep, in GiB. */
  readonly disk: number;
  /** How much is kept of what each container prints, in MiB. */
  readonly logs: number;
  /** The addresses of containers: an IPv4 network that ends in `.0`. */
  readonly network: string;
}

/** How many files a container's output is kept in: the oldest goes when the last is full. */
const logFiles = 3;

/**
 * Docker on a host, Debian's own package: reached by its socket alone, its logs and its disk bounded. What containers
 * publish is reached from the host itself and from nowhere else.
 */
export class Docker extends pulumi.ComponentResource implements RunningService {
  /** `unix:///run/docker.sock`, once it answers there and has the images. */
  readonly url: pulumi.Output<string>;

  readonly #host: Host;

  /** The command is a package of its own, and the last is what the step proves itself with. */
  static packages(): PackageSet {
    return { packages: ["docker.io", "docker-cli", "busybox-static"] };
  }

  /** Looks for a Docker that somebody else has set up. */
  static look(): Look {
    return { script: here("look.sh") };
  }

  constructor(name: string, args: DockerArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:docker:Docker", name, {}, options);
    this.#host = args.host;
    const server = new HostScript(
      `${name}-server`,
      {
        host: args.host,
        script: here("server.sh"),
        removal: here("server-removal.sh"),
        slots: { users: args.users },
        files: {
          "/etc/docker/daemon.json": { content: daemonSettings(args) },
          "/etc/berth/docker.nft": { content: text("docker.nft") },
          "/etc/systemd/system/docker.service.d/berth.conf": { content: text("docker.service.conf") },
          "/usr/local/lib/berth/docker/space": { content: text("docker_space.py"), mode: "0755" },
          "/etc/systemd/system/berth-docker-space.service": {
            content: renderTemplate(here("space.service.liquid"), { disk: args.disk }),
          },
          "/etc/systemd/system/berth-docker-space.timer": { content: text("space.timer") },
          ...logsFile("docker", {
            units: ["docker.service", "containerd.service", "berth-docker-space.service"],
            files: [],
          }),
        },
      },
      { parent: this },
    );
    const images = this.#images(name, args, server);
    this.url = images.id.apply(() => "unix:///run/docker.sock");
    this.registerOutputs({ keeps: "Docker's containers, images and volumes" });
  }

  /** The URL on a host; undefined on all but its own. */
  urlOn(host: Host): pulumi.Output<string> | undefined {
    return host.name === this.#host.name ? this.url : undefined;
  }

  #images(
    name: string,
    { host, images = {}, registries = [], users }: DockerArgs,
    server: HostScript,
  ): HostScript {
    const list = Object.entries(images).map(([image, reference]) => `${image} ${reference}\n`);
    const passwords = registries.map(({ at, password }) => [at, password] as const);
    return new HostScript(
      `${name}-images`,
      {
        host,
        script: here("images.sh"),
        slots: { users, registries: registries.map(({ at, username }) => `${at} ${username}`).join("\n") },
        files: { "/etc/berth/docker/images": { content: list.join("") } },
        ...(registries.length === 0 ? {} : { secrets: Object.fromEntries(passwords) }),
      },
      { parent: this, dependsOn: [server] },
    );
  }
}

/** Docker's own settings: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file */
function daemonSettings({ users, logs, network }: DockerArgs): string {
  const settings = {
    // The first of the networks below, with the host as its first address.
    bip: `${network.replace(/0\/\d+$/, "1")}/24`,
    "default-address-pools": [{ base: network, size: 24 }],
    // Where a port is published that says no address.
    ip: "127.0.0.1",
    // Containers go on while the daemon starts again, such as after an upgrade.
    "live-restore": true,
    "log-driver": "local",
    "log-opts": { "max-file": `${logFiles}`, "max-size": `${Math.max(1, Math.floor(logs / logFiles))}m` },
    "no-new-privileges": true,
    ...(users === "remapped" ? { "userns-remap": "default" } : {}),
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}
