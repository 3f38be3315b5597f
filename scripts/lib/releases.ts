// What a host tells of its releases, for people; see components/app/release/status.py and docs/releases.md.

/** A line of the record. */
export interface Entry {
  readonly at: string;
  readonly who: string;
  readonly address: string | null;
  readonly from: string | null;
  readonly to: string;
  readonly commit: string | null;
  readonly seconds: number;
  readonly result: string;
  readonly reason: string | null;
  /** What stopped nothing and should be known, such as exceptions in the log. Entries of earlier versions have none. */
  readonly notices?: readonly string[];
}

/** A release with the settings that it runs with. */
export interface Instance {
  readonly instance: string;
  readonly release: string;
  readonly state: string;
  /** Seconds since 1970. */
  readonly since: number;
  /** Why it failed. */
  readonly reason: string | null;
  readonly units: readonly { readonly unit: string; readonly state: string; readonly restarts: number }[];
}

export interface Release {
  readonly release: string;
  readonly state: string;
  readonly since: number;
  readonly commit: string | null;
  readonly server: string;
  readonly released_at: string | null;
  /** Whether one can roll back to it. */
  readonly kept: boolean;
}

/** All of it, as `npm run releases -- --json` prints it. */
export interface Status {
  readonly application: string;
  /** The instance that boots. */
  readonly live: string | null;
  readonly instances: readonly Instance[];
  readonly releases: readonly Release[];
  readonly history: readonly Entry[];
}

/** The same for people: the record, what runs, what can be rolled back to. */
export function statusText({ live, instances, releases, history }: Status): string {
  const running = instances.filter(({ state }) => state !== "failed");
  const current = live?.split(".")[0];
  const kept = releases.filter(({ kept: is, release }) => is && release !== current);
  return [
    ...history.map(entryText),
    "",
    ...running.flatMap(instanceText),
    live === null ? "live: none" : `live: ${current}`,
    ...(kept.length === 0
      ? []
      : [`kept: ${kept.map(({ release }) => release).join(", ")} (berth:app.release rolls back)`]),
  ].join("\n");
}

function entryText(entry: Entry): string {
  const { at, who, address, from, to, commit, seconds, result, reason, notices = [] } = entry;
  const way = from === null ? to : `${from} -> ${to}`;
  const by = address === null ? who : `${who} from ${address}`;
  const code = commit === null ? "" : `, commit ${commit.slice(0, 10)}`;
  const more = [...(reason === null ? [] : [reason]), ...notices].map((line) => `\n    ${line}`);
  return `${at}  ${result.padEnd(8)}  ${way}${code}, ${seconds} s, by ${by}${more.join("")}`;
}

/** What the release that went live last has left to know, where it did so since this moment. */
export function noticesSince({ history }: Status, began: Date): readonly string[] {
  const last = history.at(-1);
  // The record has whole seconds.
  const isNew = last !== undefined && Date.parse(last.at) >= began.getTime() - 1000;
  return isNew ? (last.notices ?? []) : [];
}

function instanceText({ instance, state, since, units }: Instance): string[] {
  const at = new Date(since * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const shown = units.map(
    ({ unit, state, restarts }) =>
      `    ${unit}: ${state}${restarts === 0 ? "" : `, restarted ${restarts} times`}`,
  );
  return [`${instance}: ${state} since ${at}`, ...shown];
}
