import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { packDirectory } from "../components/app/source/archive.ts";
import { type Contender, type Spent, site } from "./contender.ts";
import type { BareHost } from "./host.ts";
import { measure } from "./measure.ts";

/** bench/floor.sh and the application's source, sent and run over one SSH connection. */
export function floor(root: string, folder: string): Contender {
  const bundle = join(folder, "floor.tar");
  const run = async (host: BareHost, maxBody: number): Promise<Spent> =>
    measure({
      command: "ssh",
      args: [
        ...host.ssh,
        'set -e; here=$(mktemp -d); trap \'rm -rf "$here"\' EXIT; tar -xC "$here"; ' +
          `sudo -n bash "$here/floor.sh" ${site.domain} ${maxBody}`,
      ],
      stdin: bundle,
    });
  return {
    name: "plain shell",
    version: "bench/floor.sh",
    async prepare() {
      const parts = join(folder, "floor");
      mkdirSync(parts, { recursive: true });
      const { path } = packDirectory(join(root, site.app), join(folder, "archives"));
      cpSync(path, join(parts, "app.tar"));
      cpSync(join(root, "bench/floor.sh"), join(parts, "floor.sh"));
      cpSync(join(root, "components/nginx/away.html"), join(parts, "away.html"));
      await measure({
        command: "tar",
        args: ["-cf", bundle, "-C", parts, "floor.sh", "app.tar", "away.html"],
      });
    },
    bootstrap: (host) => run(host, site.maxBody),
    again: (host) => run(host, site.maxBody),
    changeLine: (host) => run(host, site.otherMaxBody),
  };
}
