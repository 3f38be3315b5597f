// Mozilla's HTTP Observatory, as its package has it: what it gives a site of a test.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../engine/harness.ts";

const run = promisify(execFile);
const pinned = join(root, "test/fixtures/observatory");

export interface Observed {
  readonly scan: { readonly score: number; readonly grade: string };
  /** What each of its tests found. */
  readonly tests: Readonly<Record<string, { readonly result: string; readonly scoreModifier: number }>>;
}

/**
 * Scans a site by its name, at an address, and trusts only what these authorities signed.
 *
 * @param authorities a file with their certificates, in PEM
 */
export async function observed(name: string, address: string, authorities: string): Promise<Observed> {
  const module = join(await installed(), "node_modules/@mdn/mdn-http-observatory/src/index.js");
  const env = { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: authorities };
  const script = join(import.meta.dirname, "observatory-scan.ts");
  const { stdout } = await run(process.execPath, [script, module, name, address], { env, timeout: 120_000 });
  return JSON.parse(stdout) as Observed;
}

/** Its folder, made once for this user; a newer lock file makes another. */
async function installed(): Promise<string> {
  const hash = createHash("sha256")
    .update(readFileSync(join(pinned, "package-lock.json")))
    .digest("hex");
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "berth");
  const folder = join(cache, `observatory-${hash.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".observatory-"));
  try {
    cpSync(pinned, work, { recursive: true });
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: work });
    // The names that browsers know to ask by HTTPS alone, which its installation fetches from elsewhere. None of a test's is
    // among them.
    writeFileSync(join(work, "node_modules/@mdn/mdn-http-observatory/conf/hsts-preload.json"), "{}\n");
    renameSync(work, folder);
  } catch (error) {
    // Another run was quicker, and its folder is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
