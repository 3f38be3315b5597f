import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem } from "node:os";
import type { Contender } from "./contender.ts";
import type { WayFigures, WorkerFigures } from "./figures.ts";

/** What there is of each measured thing: all its values, in the order in which they were taken. */
export interface Series {
  readonly what: string;
  readonly contender: string;
  readonly unit: "s" | "MiB" | "KB";
  readonly values: number[];
}

/** A bound that Berth sets itself, and how it stands to it. */
export interface Target {
  readonly what: string;
  readonly bound: number;
  /** Empty for a number of things. */
  readonly unit: "x" | "s" | "KB" | "";
  readonly found: number;
  readonly met: boolean;
}

/** A target, and whether what was found is within its bound. */
export const target = (what: string, unit: Target["unit"], bound: number, found: number): Target => ({
  what,
  unit,
  bound,
  found: Math.round(found * 1000) / 1000,
  met: found <= bound,
});

export interface Report {
  readonly date: string;
  readonly what: string;
  readonly runs: number;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  /** What else the computer was doing, which makes figures worse. */
  readonly disturbances: readonly string[];
  /** Contenders whose packages could not be had, with the reason. */
  readonly leftOut?: readonly string[];
  readonly series: readonly (Series & { readonly median: number })[];
  readonly targets: readonly Target[];
  /** Facts in which hosts made by other contenders differ from Berth's, by contender. */
  readonly differences: Readonly<Record<string, readonly string[]>>;
  /** What people have seen of releases by each way, where that was measured, under a load of this kind. */
  readonly releases?: {
    readonly load: Readonly<Record<string, number>>;
    readonly ways: readonly WayFigures[];
    readonly workers: WorkerFigures;
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Keeps the values by what they are of and whose they are. */
export class Book {
  readonly series: Series[] = [];

  note(what: string, contender: string, unit: Series["unit"], value: number): void {
    const known = this.series.find((one) => one.what === what && one.contender === contender);
    if (known !== undefined) known.values.push(value);
    else this.series.push({ what, contender, unit, values: [value] });
  }

  /** The median of what was noted, or NaN. */
  median(what: string, contender: string): number {
    return median(this.series.find((one) => one.what === what && one.contender === contender)?.values ?? []);
  }

  medians(): (Series & { readonly median: number })[] {
    const round = (value: number) => Math.round(value * 1000) / 1000;
    return this.series.map((one) => ({
      ...one,
      values: one.values.map(round),
      median: round(median(one.values)),
    }));
  }
}

/** What the figures depend on beside Berth. */
export function machineFacts(): Record<string, string | number> {
  const [cpu] = cpus();
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  return {
    cores: cpus().length,
    processor: cpu?.model.trim() ?? "unknown",
    architecture: arch(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    system,
    kernel: release(),
    node: process.version,
  };
}

export function versionsOf(contenders: readonly Contender[], pulumi: string): Record<string, string> {
  return { pulumi, ...Object.fromEntries(contenders.map(({ name, version }) => [name, version])) };
}

/** The one-minute load average (proc_loadavg(5)). */
export const load = (): number => loadavg()[0] ?? 0;

export function table(report: Report): string {
  const rows = report.series.map(({ what, contender, unit, values, median: middle }) => [
    what,
    contender,
    figure(middle, unit),
    `${figure(Math.min(...values), unit)} to ${figure(Math.max(...values), unit)}`,
  ]);
  const targets = report.targets.map(({ what, bound, unit, found, met }) => [
    what,
    `at most ${bound} ${unit}`.trimEnd(),
    unit === "" ? `${found}` : `${found.toFixed(2)} ${unit}`,
    met ? "pass" : "MISS",
  ]);
  const differences = Object.entries(report.differences).map(([contender, facts]) =>
    facts.length === 0
      ? `The host of ${contender} is as Berth's in all that bench/inspect.sh looks at.`
      : `The host of ${contender} differs from Berth's (- its own, + Berth's):\n${facts.map((fact) => `  ${fact}`).join("\n")}`,
  );
  return [
    columns([["measured", "by", "median", `of ${report.runs}, from least to most`], ...rows]),
    ...(report.releases === undefined
      ? []
      : [waysTable(report.releases.ways), workersLine(report.releases.workers)]),
    columns([["target", "", "found", ""], ...targets]),
    ...differences,
    ...(report.leftOut ?? []).map((one) => `Left out: ${one}`),
    ...report.disturbances.map((one) => `Disturbed: ${one}`),
  ].join("\n\n");
}

function waysTable(ways: readonly WayFigures[]): string {
  return columns([
    [
      "way",
      "releases",
      "served",
      "requests",
      "failed",
      "POSTs lost",
      "twice",
      "p50",
      "p99",
      "most",
      "one takes",
    ],
    ...ways.map(({ way, releases, served, requests, failed, lost, twice, during, seconds }) => [
      way,
      ...[releases, served, requests, failed, lost, twice].map(String),
      ...[during.p50, during.p99, during.most].map((value) => `${value} ms`),
      releases === 0 ? "" : figure(median(seconds), "s"),
    ]),
  ]);
}

const workersLine = ({ releases, tasks, lost, twice, seconds }: WorkerFigures) =>
  `Workers: ${releases} releases while ${tasks} tasks were queued; lost ${lost}, run twice ${twice}; one takes ${figure(median(seconds), "s")}`;

const figure = (value: number, unit: Series["unit"]) => `${value.toFixed(unit === "s" ? 2 : 0)} ${unit}`;

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
