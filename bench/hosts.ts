import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Contender, type Spent, site } from "./contender.ts";
import { type BareHost, bareHost } from "./host.ts";
import type { Book } from "./report.ts";

/** The names under which the figures of the contenders are noted. */
export const stages = {
  bootstrap: "bootstrap of a bare host",
  again: "second run, no change",
  changeLine: "one nginx line changed",
} as const;

/** One round: every contender, each on a bare host of its own, one after the other. Answers what each left there. */
export async function raceOnce(
  root: string,
  folder: string,
  contenders: readonly Contender[],
  book: Book,
): Promise<Map<string, string>> {
  const left = new Map<string, string>();
  for (const contender of contenders) {
    const host = bareHost(root, folder);
    try {
      for (const stage of ["bootstrap", "again", "changeLine"] as const) {
        const before = host.cpu();
        const spent = await contender[stage](host);
        note(book, stages[stage], contender.name, spent, host.cpu() - before);
        if (stage === "bootstrap") left.set(contender.name, inspect(root, host));
      }
    } finally {
      host.remove();
    }
  }
  return left;
}

function note(book: Book, what: string, who: string, { seconds, cpu, peak }: Spent, hostCpu: number): void {
  book.note(what, who, "s", seconds);
  book.note(`${what}, processor time here`, who, "s", cpu);
  book.note(`${what}, processor time of the host`, who, "s", hostCpu);
  if (what === stages.bootstrap) book.note(`${what}, peak memory here`, who, "MiB", peak);
}

function inspect(root: string, host: BareHost): string {
  const result = spawnSync("ssh", [...host.ssh, `sudo -n bash -s ${site.domain}`], {
    input: readFileSync(join(root, "bench/inspect.sh")),
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(`bench/inspect.sh on ${host.name}: ${result.stderr}`);
  return result.stdout;
}

/** The facts that only one of two hosts has: `-` the one, `+` the other. */
export function differences(one: string, other: string): string[] {
  const [these, those] = [one, other].map((text) => text.split("\n").filter(Boolean)) as [string[], string[]];
  return [
    ...these.filter((fact) => !those.includes(fact)).map((fact) => `- ${fact}`),
    ...those.filter((fact) => !these.includes(fact)).map((fact) => `+ ${fact}`),
  ];
}
