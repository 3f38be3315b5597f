// npm run bench: measures Berth against what it must be measured against, all in one run. See docs/speed.md.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { berthVersion } from "../bench/berth.ts";
import { type Field, fieldOf } from "../bench/contenders.ts";
import { berthProject, emptyProject, type Project } from "../bench/engine.ts";
import { benchGrowth, growthTargets } from "../bench/growth.ts";
import { otherHosts, removeHosts } from "../bench/host.ts";
import { differences, raceOnce, stages } from "../bench/hosts.ts";
import { endCalls } from "../bench/measure.ts";
import { noop, prepareNoOp } from "../bench/noop.ts";
import { benchReleases, loadTargets, timeTargets } from "../bench/releases.ts";
import {
  Book,
  load,
  machineFacts,
  type Report,
  type Target,
  table,
  target,
  versionsOf,
} from "../bench/report.ts";
import { prepareBothWays, sdkTargets } from "../bench/sdk.ts";
import { benchWorkers } from "../bench/workers.ts";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress } from "../engine/progress.ts";
import { engineVersions } from "../engine/versions.ts";
import { type Line, run } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { ensurePackages, forLocalHosts } from "./lib/debian.ts";

const root = resolve(import.meta.dirname, "..");

type Options = Line<typeof commands.bench>;

/** What else the computer does, which makes figures worse. */
const disturbing = (): string[] => [
  ...otherHosts().map((name) => `the local host ${name} was running`),
  ...(load() > 0.5 ? [`the load was ${load().toFixed(2)} before the first run`] : []),
];

/** A name for a stack of the bench's own. */
const benchStack = () => `bench-${randomBytes(3).toString("hex")}`;

/** What was measured, with what is the same for everything that is. */
function reportOf(
  { date, what, runs }: Options,
  book: Book,
  found: Pick<Report, "disturbances" | "targets"> &
    Partial<Pick<Report, "versions" | "differences" | "leftOut" | "releases">>,
): Report {
  return {
    date,
    what,
    runs,
    machine: machineFacts(),
    versions: { pulumi: engineVersions().cli, Berth: berthVersion(root) },
    series: book.medians(),
    differences: {},
    ...found,
  };
}

/** Releases: how long they take, and what people see of them, by Berth and by the usual ways. */
async function releases(options: Options, folder: string): Promise<Report> {
  const { runs, what, rate, every } = options;
  const load = { releases: options.releases, rate, every };
  const disturbances = disturbing();
  const book = new Book();
  const timesOnly = what === "release-times";
  const ways = await benchReleases(root, folder, { runs, ...load, timesOnly }, book, lineProgress());
  const workers = timesOnly
    ? undefined
    : await benchWorkers(root, folder, Math.min(load.releases, 5), lineProgress());
  return reportOf(options, book, {
    disturbances: [...new Set([...disturbances, ...disturbing().filter((one) => one.includes("host"))])],
    targets: [...timeTargets(book), ...(workers === undefined ? [] : loadTargets(ways, workers))],
    ...(workers === undefined ? {} : { releases: { load, ways, workers } }),
  });
}

/** How the cost grows with hosts and with processes. */
async function growth(options: Options, folder: string): Promise<Report> {
  const disturbances = disturbing();
  const book = new Book();
  await benchGrowth(root, folder, { runs: options.runs, sizes: options }, book, lineProgress());
  return reportOf(options, book, { disturbances, targets: growthTargets(options, book) });
}

/** What lean-sdk.ts earns. */
async function sdk(options: Options, folder: string): Promise<Report> {
  const progress = lineProgress();
  const disturbances = disturbing();
  const book = new Book();
  const place = join(folder, "berth");
  let step = progress.step("deploying the local stack, and asking it once in each way");
  const stack = await prepareBothWays(root, berthProject(root, place), place, benchStack());
  step.done();
  for (let round = 1; round <= options.runs; round++) {
    step = progress.step(`without a change, in both ways, round ${round} of ${options.runs}`);
    await stack.round(book);
    step.done();
  }
  await stack.end();
  return reportOf(options, book, { disturbances, targets: sdkTargets(book) });
}

/** Installs what the contenders need, and says who is left out. */
async function installed(names: readonly string[], folder: string, project: Project): Promise<Field> {
  const step = lineProgress().step("installing what Berth is measured against");
  const field = await fieldOf(names, root, folder, project);
  step.done();
  for (const one of field.leftOut) console.error(`berth: left out of the bench: ${one}`);
  return field;
}

async function bench(options: Options, folder: string): Promise<Report> {
  const { runs, what } = options;
  const progress = lineProgress();
  const disturbances = disturbing();
  const book = new Book();
  const empty = emptyProject(root, join(folder, "empty"));
  const program = berthProject(root, join(folder, "berth"));
  const left: Map<string, string>[] = [];

  const names = what === "noop" ? [] : options.contenders;
  const { contenders, leftOut } = await installed(names, folder, program);
  // Whatever is measured, a whole deployment comes first: it fills the caches of packages and of compiled code.
  let step = progress.step("deploying what is measured without a change, which fills the caches");
  const idle = await prepareNoOp(root, empty, program, benchStack());
  for (const contender of contenders) await contender.prepare();
  step.done();
  if (what !== "hosts") {
    for (let round = 1; round <= runs; round++) {
      step = progress.step(`without a change, round ${round} of ${runs}`);
      await idle.round(book);
      step.done();
    }
  }
  // Its host would take a share of the processors from those that follow.
  await idle.end();
  if (what !== "noop") {
    for (let round = 1; round <= runs; round++) {
      step = progress.step(`bare hosts, round ${round} of ${runs}`);
      // Each goes first in turn.
      const order = round % 2 === 1 ? contenders : [...contenders].reverse();
      left.push(await raceOnce(root, folder, order, book));
      step.done();
    }
  }
  const [first] = left;
  const others = contenders.filter(({ name }) => name !== "Berth");
  return reportOf(options, book, {
    versions: versionsOf(contenders, engineVersions().cli),
    disturbances,
    leftOut,
    targets: targets(book, what, options.contenders),
    differences:
      first === undefined
        ? {}
        : Object.fromEntries(
            others.map(({ name }) => [name, differences(first.get(name) ?? "", first.get("Berth") ?? "")]),
          ),
  });
}

function targets(book: Book, what: string, contenders: readonly string[]): Target[] {
  const ratio = book.median(noop.what, noop.stack) / book.median(noop.what, noop.empty);
  const ahead = book.median(stages.bootstrap, "Berth") / book.median(stages.bootstrap, "plain shell");
  return [
    ...(what === "hosts" ? [] : [target(`${noop.what}: ${noop.stack} / ${noop.empty}`, "x", 1.25, ratio)]),
    ...(what === "noop"
      ? []
      : [
          ...(contenders.includes("floor")
            ? [target(`${stages.bootstrap}: Berth / plain shell`, "x", 0.9, ahead)]
            : []),
          target(`${stages.changeLine}: Berth`, "s", 3, book.median(stages.changeLine, "Berth")),
        ]),
  ];
}

const kinds: Readonly<Record<Options["what"], typeof bench>> = {
  all: bench,
  noop: bench,
  hosts: bench,
  sdk,
  growth,
  releases,
  "release-times": releases,
};

await run(commands.bench, async (options) => {
  const folder = mkdtempSync(join(tmpdir(), "berth-bench-"));
  // However the bench ends, nothing of it stays.
  process.once("exit", () => {
    endCalls();
    removeHosts(root);
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => process.exit(130));

  await ensurePackages(forLocalHosts, lineProgress());
  await ensureEngine(root, lineProgress());
  const report = await kinds[options.what](options, folder);
  console.log(`\n${table(report)}\n`);
  const file = join("bench/results", `${options.date}-${options.what}.json`);
  mkdirSync(join(root, "bench/results"), { recursive: true });
  writeFileSync(join(root, file), `${JSON.stringify(report, null, 2)}\n`);
  console.log(`berth: written to ${file}`);
  return 0;
});
