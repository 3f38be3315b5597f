// Makes the image of the tests, or finds it made, and prints what BERTH_IMAGE is to be: image.sh with the packages that
// the services say they need.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { App } from "../../components/app/app.ts";
import { Backup } from "../../components/backup/backup.ts";
import { MongoDb } from "../../components/mongodb/mongodb.ts";
import { Nginx } from "../../components/nginx/nginx.ts";
import { Postgres } from "../../components/postgres/postgres.ts";
import { Redis } from "../../components/redis/redis.ts";
import { Notices } from "../../components/status/notices.ts";
import { basePackages } from "../../components/system/system.ts";

const sets = [
  ...[
    basePackages,
    Nginx.packages({ kind: "self-signed" }),
    App.packages([]),
    Postgres.packages(17),
    Redis.packages(),
    MongoDb.clientPackages(),
  ],
  Notices.packages(),
  Backup.packages([Postgres.backup(17, { database: "app", role: "app" })]),
];
const packages = [...new Set(sets.flatMap((set) => set.packages))].sort();
const files = mkdtempSync(join(tmpdir(), "berth-image-"));
try {
  for (const [path, { content }] of sets.flatMap((set) => Object.entries(set.files ?? {}))) {
    mkdirSync(dirname(join(files, path)), { recursive: true });
    writeFileSync(join(files, path), content);
  }
  const script = join(import.meta.dirname, "image.sh");
  const made = spawnSync("bash", [script, files, ...packages], { stdio: ["ignore", "inherit", "inherit"] });
  process.exitCode = made.status ?? 1;
} finally {
  rmSync(files, { recursive: true });
}
