import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "../engine/progress.ts";
import { existingConfig } from "./berth.ts";
import { site } from "./contender.ts";
import { berthProject, type Project } from "./engine.ts";
import { type BareHost, bareHost } from "./host.ts";
import { type Book, type Target, target } from "./report.ts";

/** How large the stacks are whose cost is compared, from small to large. */
export interface Sizes {
  /** Hosts of a stack without processes beside the web server. */
  readonly hosts: readonly number[];
  /** Processes of a stack with one host. */
  readonly processes: readonly number[];
}

/** The names under which it is noted. */
const measured = {
  noop: "up without a change",
  memory: "up without a change, peak memory",
  state: "size of the state",
} as const;

const ofHosts = (count: number) => `${count} ${count === 1 ? "host" : "hosts"}`;
const ofProcesses = (count: number) => `${count} ${count === 1 ? "process" : "processes"}`;

type Config = Readonly<Record<string, unknown>>;

/** How the cost of an `up` without a change, its memory and the state grow: one stack after the other, each made larger. */
export async function benchGrowth(
  root: string,
  folder: string,
  options: { readonly runs: number; readonly sizes: Sizes },
  book: Book,
  progress: Progress,
): Promise<void> {
  const project = berthProject(root, join(folder, "growth"));
  const hosts: BareHost[] = [];
  const config = (host: BareHost) => existingConfig(root, host, site.maxBody);
  const grow = async (what: string, settings: Config) => {
    const stack = hosts[0]?.name ?? "";
    const step = progress.step(`a stack of ${what}`);
    project.configure(stack, settings);
    await project.up(stack);
    // The first run without a change still compiles what the deployment did not use.
    await project.up(stack, "no-changes");
    for (let run = 1; run <= options.runs; run++) await note(project, stack, what, book);
    book.note(measured.state, what, "KB", statSync(project.stateFile(stack)).size / 1000);
    step.done();
  };
  const more = () => {
    const place = join(folder, `host-${hosts.length + 1}`);
    mkdirSync(place);
    hosts.push(bareHost(root, place));
  };
  try {
    more();
    const first = hosts[0] as BareHost;
    await project.init(first.name, config(first));
    for (const count of options.sizes.processes)
      await grow(ofProcesses(count), withProcesses(config(first), count));
    for (const count of options.sizes.hosts) {
      while (hosts.length < count) more();
      const [one, ...others] = hosts.map(config);
      const named = others.map((other, index) => [`further${index + 1}`, other["berth:host"]]);
      await grow(ofHosts(count), { ...one, "berth:hosts": Object.fromEntries(named) });
    }
  } finally {
    for (const host of hosts) host.remove();
  }
}

/** Programs that do nothing: what they cost is Berth's. */
function withProcesses(config: Config, count: number): Config {
  const names = Array.from({ length: count }, (_, index) => `process${index + 1}`);
  const processes = Object.fromEntries(names.map((name) => [name, { command: "sleep infinity" }]));
  return { ...config, "berth:app": { ...(config["berth:app"] as object), processes } };
}

async function note(project: Project, stack: string, what: string, book: Book): Promise<void> {
  const { seconds } = await project.up(stack, "no-changes");
  book.note(measured.noop, what, "s", seconds);
  // Looking at the memory takes time of its own, so it is another run.
  const { peak } = await project.watch(stack);
  book.note(measured.memory, what, "MiB", peak);
}

/** What each further host and process may cost. */
export function growthTargets({ hosts, processes }: Sizes, book: Book): Target[] {
  const each = (what: string, counts: readonly number[], name: (count: number) => string) => {
    const [least, most] = [counts[0] ?? 0, counts.at(-1) ?? 0];
    return (book.median(what, name(most)) - book.median(what, name(least))) / (most - least);
  };
  return [
    target("each further host: up without a change", "s", 0.1, each(measured.noop, hosts, ofHosts)),
    target("each further host: the state", "KB", 100, each(measured.state, hosts, ofHosts)),
    target(
      "each further process: up without a change",
      "s",
      0.01,
      each(measured.noop, processes, ofProcesses),
    ),
  ];
}
