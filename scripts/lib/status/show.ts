// The report on a screen: what needs attention first, then what runs on each host.
import { stripVTControlCharacters } from "node:util";
import { type Drills, measures } from "../backups.ts";
import type {
  Facts,
  Figure,
  Finding,
  HostReport,
  Process,
  Report,
  Service,
  SiteReport,
  Unit,
} from "./facts.ts";
import { counted, date, long, percent, size } from "./words.ts";

export type Style = "green" | "red" | "yellow" | "bold" | "dim";

/** How it is shown. */
export interface Screen {
  /** Columns, at which lines are broken; none where each line stays whole. */
  readonly width: number | undefined;
  /** A text in a colour, or as it is. */
  paint(style: Style, text: string): string;
}

export function statusText(report: Report, screen: Screen): string {
  const { site, hosts } = report;
  return [
    ...headText(report, screen),
    "",
    ...(site === null ? [] : [...row(screen.paint("bold", "site"), siteText(site, screen), screen, 0), ""]),
    ...hosts.flatMap((host, index) => [...(index === 0 ? [] : [""]), ...hostText(host, report.at, screen)]),
  ].join("\n");
}

/** The first line says how all is; those that follow, what needs attention. */
function headText({ findings, hosts }: Report, screen: Screen): string[] {
  const faults = findings.filter(({ kind }) => kind === "fault").length;
  const warnings = counted(findings.length - faults, "warning");
  const several = hosts.length > 1;
  const also = faults === findings.length ? "" : faults === 0 ? `, with ${warnings}` : `, and ${warnings}`;
  const colon = findings.length === 0 ? "" : ":";
  const head =
    faults === 0
      ? screen.paint("green", `all is well${also}${colon}`)
      : screen.paint("red", `${counted(faults, "thing needs", "things need")} attention${also}${colon}`);
  return [
    screen.paint("bold", head),
    ...findings.flatMap((finding) => findingText(finding, several, screen)),
  ];
}

function findingText({ kind, host, what, line, next }: Finding, several: boolean, screen: Screen): string[] {
  const label = screen.paint(kind === "fault" ? "red" : "yellow", kind);
  const of = several && host !== null ? `${screen.paint("bold", host)}: ` : "";
  const indent = " ".repeat(11);
  return [
    ...broken(`  ${padded(label, 9)}${of}${what}`, indent, screen),
    ...(line === null ? [] : broken(`${indent}log: ${line}`, `${indent}     `, screen)),
    // A command stays in one piece, so that it can be copied.
    ...(next === null ? [] : [`${indent}${screen.paint("dim", next)}`]),
  ];
}

function siteText({ asked, status, milliseconds, problem }: SiteReport, { paint }: Screen): string[] {
  if (problem !== null) return [`${asked} ${paint("red", "cannot be reached")}: ${problem}`];
  return [`${asked} answers ${paint(status === 200 ? "green" : "red", `${status}`)} in ${milliseconds} ms`];
}

function hostText({ name, address, problem, facts }: HostReport, now: number, screen: Screen): string[] {
  const { paint } = screen;
  const label = paint("bold", name);
  if (facts === null)
    return row(label, [`${address}: ${paint("red", "could not be asked")}: ${problem}`], screen, 0);
  const up = facts.system?.up ?? null;
  const about = [
    address,
    ...(facts.system ? [facts.system.system] : []),
    ...(up === null ? [] : [`up ${long(now - up)}`]),
  ];
  return [
    ...row(label, [about.join(", ")], screen, 0),
    ...rows.flatMap(({ label, part, text }) => {
      const unknown = facts.unknown[part];
      const lines =
        unknown === undefined ? text(facts, now, screen) : [`${paint("red", "unknown")}: ${unknown}`];
      return row(label, lines, screen);
    }),
  ];
}

interface Row {
  readonly label: string;
  /** What of the facts it shows. */
  readonly part: keyof Facts;
  /** Its lines; none where there is nothing to show. */
  text(facts: Facts, now: number, screen: Screen): string[];
}

/** What is shown of a host, in this order. */
const rows: readonly Row[] = [
  { label: "release", part: "application", text: releaseText },
  {
    label: "processes",
    part: "application",
    text: ({ application }, now, screen) => processesText(application?.processes ?? [], now, screen),
  },
  { label: "timers", part: "timers", text: timersText },
  {
    label: "services",
    part: "services",
    text: ({ services }, now, screen) => servicesText(services ?? [], now, screen),
  },
  {
    label: "failed",
    part: "failedUnits",
    text: ({ failedUnits }, _, { paint }) =>
      (failedUnits ?? []).map(({ unit, result }) => `${paint("red", unit)} (${result})`),
  },
  { label: "certificate", part: "certificate", text: certificateText },
  {
    label: "maintenance",
    part: "maintenance",
    text: ({ maintenance, site }, _, { paint }) =>
      maintenance && (site || maintenance.on) ? [maintenance.on ? paint("red", "on") : "off"] : [],
  },
  {
    label: "backups",
    part: "backups",
    text: backupsText,
  },
  { label: "messages", part: "notices", text: noticesText },
  { label: "disks", part: "disks", text: disksText },
  { label: "memory", part: "memory", text: memoryText },
  {
    label: "load",
    part: "load",
    text: ({ load }) =>
      load
        ? [
            `${load.averages.map((one) => one.toFixed(2)).join("  ")}  on ${counted(load.processors, "processor")}`,
          ]
        : [],
  },
  { label: "upgrades", part: "upgrades", text: upgradesText },
  { label: "clock", part: "clock", text: clockText },
  {
    label: "belongs to",
    part: "claim",
    text: ({ claim }, _, { paint }) => [claim ? claim.text : paint("red", "no stack")],
  },
];

function backupsText({ backups, services }: Facts, now: number, { paint }: Screen): string[] {
  if (backups === null) return (services ?? []).length === 0 ? [] : ["none; see docs/backups.md"];
  const rows = Object.entries(backups.parts).map(([name, { last, failed }]): [string, string] => [
    name,
    [
      last === null ? "none yet" : `${long(now - last.at)} ago, ${size(last.size)}`,
      ...(failed === null ? [] : [paint("red", `failed ${long(now - failed.at)} ago`)]),
    ].join(", "),
  ]);
  const { drill } = backups;
  if (drill !== undefined) rows.push(["drill", drillWords(drill, now, paint)]);
  return [...table(rows), `in ${backups.place}`];
}

function noticesText({ notices, services }: Facts, now: number): string[] {
  if (notices === null) return (services ?? []).length === 0 ? [] : ["none; see docs/notices.md"];
  const { looked, targets } = notices;
  if (looked === null) return ["not looked yet"];
  return [`to ${Object.keys(targets).join(", ")}, looked ${long(now - looked)} ago`];
}

function drillWords({ since, last, failed }: Drills, now: number, paint: Screen["paint"]): string {
  const passed =
    last === null
      ? `none yet${since === null ? ", and none is planned" : ""}`
      : [
          `${long(now - last.at)} ago`,
          ...(last.database === null ? [] : [measures(last.database), counted(last.database.rows, "row")]),
        ].join(", ");
  return [passed, ...(failed === null ? [] : [paint("red", `failed ${long(now - failed.at)} ago`)])].join(
    ", ",
  );
}

function releaseText({ application }: Facts, now: number, { paint }: Screen): string[] {
  if (!application?.release) return [paint("red", "none")];
  const { id, since, commit, by, from } = application.release;
  const code = commit === null ? "" : `, commit ${commit.slice(0, 10)}`;
  const who = by === null ? "" : `, by ${by}${from === null ? "" : ` from ${from}`}`;
  return [`${paint("bold", id)}, live for ${long(now - since)}${code}${who}`];
}

function processesText(all: readonly Process[], now: number, screen: Screen): string[] {
  const names = [...new Set(all.map(({ process }) => process))].sort(
    (one, other) => Number(other === "web") - Number(one === "web") || one.localeCompare(other),
  );
  return table(
    names.map((name) => {
      const units = all.filter(({ process }) => process === name);
      const finishing = units.filter(({ live }) => !live).length;
      const also = finishing === 0 ? "" : `, ${finishing} of an earlier release finishing`;
      return [
        name,
        unitsText(
          units.filter(({ live }) => live),
          now,
          screen,
        ) + also,
      ];
    }),
  );
}

/** Units that are alike, in a few words: `2 running for 3 h, 1 restart`. */
function unitsText(units: readonly Unit[], now: number, { paint }: Screen): string {
  const [first] = units;
  if (first === undefined) return "none of the live release";
  const running = units.filter((unit) => unit.state === "active");
  const restarts = units.reduce((sum, unit) => sum + unit.restarts, 0);
  const again = restarts === 0 ? "" : `, ${counted(restarts, "restart")}`;
  if (running.length < units.length) {
    const bad = units.find(({ state }) => state !== "active") ?? first;
    const what = bad.wrong ?? "starting";
    const some = units.length === 1 ? "" : `${running.length} of ${units.length} running, `;
    return some + paint("red", what.split(":")[0] ?? what) + again;
  }
  const since = Math.max(...units.map((unit) => unit.since ?? 0));
  const count = units.length === 1 ? "" : `${units.length} `;
  return `${count}${paint("green", "running")}${since === 0 ? "" : ` for ${long(now - since)}`}${again}`;
}

function timersText({ timers }: Facts, now: number, { paint }: Screen): string[] {
  return table(
    (timers ?? []).map(({ timer, state, next, last }) => [
      timer,
      state === "active"
        ? `${next === null ? "no next time" : `next in ${long(next - now)}`}, ${last === null ? "not due yet" : `last ${long(now - last)} ago`}`
        : paint("red", "stopped"),
    ]),
  );
}

function servicesText(services: readonly Service[], now: number, screen: Screen): string[] {
  return table(
    services.map(({ name, units, figures, problem }) => [
      name,
      unitsText(units, now, screen),
      problem === null ? figures.map(figureText).join(", ") : screen.paint("red", "does not answer"),
    ]),
  );
}

function figureText({ what, used, limit, bytes }: Figure): string {
  const amount = (value: number) => (bytes ? size(value) : `${value}`);
  const some = limit === null ? amount(used) : `${amount(used)} of ${amount(limit)}`;
  return bytes ? some : `${some} ${what}`;
}

function certificateText({ certificate, site }: Facts, now: number): string[] {
  if (certificate === null) return site ? ["none: the site is served without TLS"] : [];
  const { kind, issuer, until, waits } = certificate;
  const days = Math.floor((until - now) / 86_400);
  return [
    `${kind === "issued" ? `by ${issuer}` : kind}, valid until ${date(until)} (${counted(days, "day")} left)`,
    ...(waits === null
      ? []
      : [`waits for the authority, asked ${long(now - waits.tried)} ago: ${waits.reason}`]),
  ];
}

function disksText({ disks }: Facts, _: number, { paint }: Screen): string[] {
  return table(
    (disks ?? []).map(({ place, used, free, size: all, wrong }) => {
      const full = `${percent(used)} full`;
      const shown = wrong === null ? full : paint(wrong === "fault" ? "red" : "yellow", full);
      return [place, shown, `${size(free)} of ${size(all)} free`];
    }),
  );
}

function memoryText({ memory }: Facts): string[] {
  if (memory === null) return [];
  const { total, available, swap, swapFree, killed } = memory;
  const swapped = swap === 0 ? "" : `, swap ${size(swap - swapFree)} of ${size(swap)}`;
  const kills = killed
    ? `, ${counted(killed, "process", "processes")} killed for want of it since the boot`
    : "";
  return [`${size(total - available)} of ${size(total)} in use${swapped}${kills}`];
}

function upgradesText({ upgrades }: Facts, now: number, { paint }: Screen): string[] {
  if (upgrades === null) return [];
  const { waiting, security, looked, rebootSince } = upgrades;
  const some = waiting === 0 ? "none waiting" : `${waiting} waiting, ${security.length} of them for security`;
  const when = looked === null ? "" : `, looked for ${long(now - looked)} ago`;
  return [`${some}${when}${rebootSince === null ? "" : `; ${paint("yellow", "a reboot is needed")}`}`];
}

function clockText({ clock, system }: Facts): string[] {
  if (clock === null) return [];
  if (clock.synchronised === null) return [system?.container ? "that of the computer it runs on" : "unknown"];
  return [clock.synchronised ? "synchronised" : "not synchronised"];
}

// Layout

const visible = (text: string) => stripVTControlCharacters(text).length;
const padded = (text: string, width: number) => text + " ".repeat(Math.max(0, width - visible(text)));

/** Columns of texts, each as wide as its widest. */
function table(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => visible(line[column] ?? ""))),
  );
  return lines.map((line) =>
    line
      .map((text, column) => padded(text, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

const labelWidth = 13;

/** A label and the lines next to it. */
function row(label: string, lines: readonly string[], screen: Screen, indent = 2): string[] {
  const before = " ".repeat(indent);
  const shown = indent === 0 ? label : screen.paint("dim", label);
  return lines.flatMap((line, index) => {
    const left = padded(`${before}${index === 0 ? shown : ""}`, labelWidth + 2);
    return broken(`${left}${line}`, " ".repeat(labelWidth + 4), screen);
  });
}

/** A line, broken between words where the screen is narrower, the rest after `indent`. */
function broken(line: string, indent: string, { width }: Screen): string[] {
  if (width === undefined || visible(line) <= width) return [line];
  const [lead = ""] = /^ */.exec(line) ?? [];
  const lines: string[] = [];
  let current = lead;
  let empty = true;
  for (const word of line.slice(lead.length).split(/(?<=\S)(?= )/)) {
    if (!empty && visible(current) + visible(word) > width) {
      lines.push(current);
      current = indent + word.trimStart();
    } else current += word;
    empty = false;
  }
  return [...lines, current];
}
