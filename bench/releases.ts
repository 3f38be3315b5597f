import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Progress } from "../engine/progress.ts";
import { exampleProcesses, existingConfig } from "./berth.ts";
import { site } from "./contender.ts";
import { berthProject, type Project } from "./engine.ts";
import type { Spread, WayFigures, WorkerFigures } from "./figures.ts";
import { type BareHost, bareHost } from "./host.ts";
import { type Load, type LoadResult, quantile, type Site, startLoad } from "./load.ts";
import { addLoadViews, setVersion } from "./load-views.ts";
import { type Book, type Target, target } from "./report.ts";
import { countRows, faultsOfPosts, readRows } from "./rows.ts";
import { ask, everyAnswer } from "./served.ts";
import { usualWays, type Way } from "./ways.ts";

export interface ReleaseOptions {
  /** Releases in a row, of each way. */
  readonly releases: number;
  /** How often each thing is timed without load. */
  readonly runs: number;
  /** Requests a second. */
  readonly rate: number;
  /** Seconds from the beginning of a release to that of the next; a release that takes longer is waited for. */
  readonly every: number;
  /** Whether nothing is put under load. */
  readonly timesOnly: boolean;
}

/** The names under which the times without load are noted. */
export const timed = {
  noop: "up without a change",
  code: "release of changed code",
  back: "going back to the release before",
} as const;
const noRelease = "no release";

/** A local host with the example, its load views, and all that is measured on it. */
class Bench {
  readonly #host: BareHost;
  readonly #project: Project;
  readonly #app: string;
  readonly #options: ReleaseOptions;
  readonly #config: Record<string, unknown>;
  readonly #progress: Progress;
  #versions = 0;
  #site: Site = { address: "", certificate: "" };

  constructor(root: string, folder: string, options: ReleaseOptions, progress: Progress) {
    mkdirSync(folder, { recursive: true });
    this.#options = options;
    this.#progress = progress;
    this.#project = berthProject(root, join(folder, "releases"));
    this.#app = join(folder, "releases", site.app);
    addLoadViews(this.#app);
    this.#host = bareHost(root, folder);
    const config = existingConfig(root, this.#host, site.maxBody);
    this.#config = {
      ...config,
      // The load asks by the address, for which the site shows its certificate when it has no name.
      "berth:site": { maxBody: site.maxBody },
      "berth:app": { ...(config["berth:app"] as object), processes: exampleProcesses(root) },
    };
  }

  /** Four workers in place of two: the load keeps two or three of them busy at all times. */
  async widen(): Promise<void> {
    const { name } = this.#host;
    const app = { ...(this.#config["berth:app"] as object), workers: 4 };
    this.#project.configure(name, { ...this.#config, "berth:app": app });
    await this.#project.up(name);
  }

  async deploy(): Promise<void> {
    const { name, address } = this.#host;
    await this.#project.init(name, this.#config);
    await this.#project.up(name);
    this.#site = { address, certificate: await this.#host.on("cat /etc/ssl/berth/site.crt") };
    // What is compiled once, and the release to go back to.
    setVersion(this.#app, this.#next());
    await this.#project.up(name);
  }

  /**
   * Each thing in turns, so that whatever slows the computer down slows all alike; and when what the one before had left
   * has ended, for which an `up` does not wait.
   */
  async time(book: Book): Promise<void> {
    const { name } = this.#host;
    const note = async (what: string, up: Promise<{ readonly seconds: number }>) => {
      book.note(what, "Berth", "s", (await up).seconds);
      await this.#tidied();
    };
    await this.#tidied();
    for (let round = 1; round <= this.#options.runs; round++) {
      const step = this.#progress.step(`times without load, round ${round} of ${this.#options.runs}`);
      await note(timed.noop, this.#project.up(name, "no-changes"));
      const before = await this.#live();
      setVersion(this.#app, this.#next());
      await note(timed.code, this.#project.up(name));
      if ((await this.#live()) === before) throw new Error("a release of changed code did not go live");
      this.#goBack(before);
      await note(timed.back, this.#project.up(name));
      if ((await this.#live()) !== before) throw new Error(`${before} was not gone back to`);
      this.#goBack(undefined);
      await this.#project.up(name);
      await this.#tidied();
      step.done();
    }
  }

  #tidied(): Promise<string> {
    return this.#host.on("while systemctl --quiet is-active 'berth-*-tidy.service'; do sleep 0.2; done");
  }

  ways(): Way[] {
    const nothing = async () => {};
    return [
      { name: noRelease, begin: nothing, release: nothing, end: nothing },
      {
        name: "Berth",
        begin: nothing,
        release: async (version) => {
          setVersion(this.#app, version);
          await this.#project.upUnderLoad(this.#host.name);
        },
        end: nothing,
      },
      ...usualWays(this.#host),
    ];
  }

  /** One way, under load from before its first release until after its last. */
  async under(way: Way): Promise<WayFigures> {
    const { releases, rate, every } = this.#options;
    const step = this.#progress.step(`${way.name}: ${releases} in a row`);
    await way.begin();
    await this.#settled();
    const load = startLoad(this.#site, { rate, long: 20, writes: true });
    const windows: Window[] = [];
    let served = 0;
    try {
      await wait(3000);
      for (let count = 0; count < releases; count++) {
        const from = Date.now();
        if (way.name !== noRelease) {
          const version = this.#next();
          await way.release(version);
          if (await everyAnswer(this.#site, version)) served += 1;
          windows.push({ from, to: Date.now() });
        }
        await wait(Math.max(0, from + every * 1000 - Date.now()));
      }
    } catch (error) {
      await load.stop();
      throw error;
    }
    const figures = await this.#figures(way.name, load, windows, served);
    await way.end();
    await this.#settled();
    step.done(`${figures.failed} of ${figures.requests} failed`);
    return figures;
  }

  remove(): void {
    this.#host.remove();
  }

  async #figures(way: string, load: Load, windows: readonly Window[], served: number): Promise<WayFigures> {
    const result = await load.stop();
    const posts = faultsOfPosts(result, readRows(await this.#host.on(countRows)));
    const kinds = result.failed.map((one) => one.split(" ")[0] ?? "");
    const within = result.times.filter(
      ({ at }) => way === noRelease || windows.some(({ from, to }) => at >= from && at <= to),
    );
    return {
      way,
      releases: windows.length,
      served,
      requests: result.sent,
      failed: result.failed.length,
      failedOf: Object.fromEntries(
        [...new Set(kinds)].map((kind) => [kind, kinds.filter((one) => one === kind).length]),
      ),
      failures: result.failed.slice(0, 10),
      lost: posts.lost.length,
      twice: posts.twice.length,
      during: spread(within),
      all: spread(result.times),
      seconds: windows.map(({ from, to }) => (to - from) / 1000),
    };
  }

  #next(): string {
    this.#versions += 1;
    return `v${this.#versions}`;
  }

  #live(): Promise<string> {
    return this.#host.on("basename $(readlink /srv/logbook/current)");
  }

  #goBack(release: string | undefined): void {
    const app = this.#config["berth:app"] as object;
    this.#project.configure(this.#host.name, {
      ...this.#config,
      "berth:app": release === undefined ? app : { ...app, release },
    });
  }

  /** Waits until the site answers well, whoever serves it. */
  async #settled(): Promise<void> {
    for (let round = 0; round < 120; round++) {
      const answer = await ask(this.#site, "/health").catch(() => ({ status: 0 }));
      if (answer.status === 200) return;
      await wait(500);
    }
    throw new Error("the site has not answered for a minute");
  }
}

interface Window {
  readonly from: number;
  readonly to: number;
}

function spread(times: LoadResult["times"]): Spread {
  const took = times.filter(({ well }) => well).map((one) => one.took);
  const at = (share: number) => Math.round(quantile(took, share));
  return { requests: took.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}

/** Times releases and going back, then, unless only times are asked for, puts every way under load. */
export async function benchReleases(
  root: string,
  folder: string,
  options: ReleaseOptions,
  book: Book,
  progress: Progress,
): Promise<WayFigures[]> {
  const step = progress.step("deploying the example with the views that the load asks");
  const bench = new Bench(root, folder, options, progress);
  try {
    await bench.deploy();
    step.done();
    await bench.time(book);
    if (options.timesOnly) return [];
    await bench.widen();
    const ways: WayFigures[] = [];
    for (const way of bench.ways()) ways.push(await bench.under(way));
    return ways;
  } finally {
    bench.remove();
  }
}

/** How long a release may take. */
export function timeTargets(book: Book): Target[] {
  const noop = book.median(timed.noop, "Berth");
  const over = (what: string) => book.median(what, "Berth") - noop;
  return [
    target(`${timed.code}, over an up without a change`, "s", 3, over(timed.code)),
    target(`${timed.back}, over an up without a change`, "s", 2, over(timed.back)),
  ];
}

/** What people may see of one. */
export function loadTargets(ways: readonly WayFigures[], workers: WorkerFigures): Target[] {
  const berth = ways.find(({ way }) => way === "Berth");
  return [
    target("requests that fail during releases: Berth", "", 0, berth?.failed ?? Number.NaN),
    target("POSTs that are lost: Berth", "", 0, berth?.lost ?? Number.NaN),
    target("POSTs that are written twice: Berth", "", 0, berth?.twice ?? Number.NaN),
    target("tasks that are lost when workers are released anew", "", 0, workers.lost),
    target("tasks that are run twice then", "", 0, workers.twice),
  ];
}
