import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Progress } from "../engine/progress.ts";
import { existingConfig } from "./berth.ts";
import { site } from "./contender.ts";
import { berthProject } from "./engine.ts";
import type { WorkerFigures } from "./figures.ts";
import { bareHost } from "./host.ts";

/** For each release this many tasks are queued, of so many seconds, which two workers with two processes each do. */
const [tasksOfOne, secondsOfTask] = [200, 0.3];

/** How often each task was begun, and whether it was ended, from the lines `name|begun|ended`. */
export function faultsOfTasks(names: readonly string[], answer: string): { lost: string[]; twice: string[] } {
  const runs = new Map(
    answer
      .split("\n")
      .map((line) => line.split("|"))
      .map(([name, begun, ended]) => [name, { begun: Number(begun), ended: Number(ended) }]),
  );
  return {
    lost: names.filter((name) => (runs.get(name)?.ended ?? 0) === 0),
    twice: names.filter((name) => (runs.get(name)?.begun ?? 0) > 1),
  };
}

/** Releases an application with workers, bench/queue, while its queue is full. */
export async function benchWorkers(
  root: string,
  folder: string,
  releases: number,
  progress: Progress,
): Promise<WorkerFigures> {
  let step = progress.step("deploying an application with workers");
  const place = join(folder, "workers");
  const project = berthProject(root, place);
  const app = join(place, "queue");
  cpSync(join(root, "bench/queue"), app, { recursive: true });
  const host = bareHost(root, folder);
  const sql = (query: string) => host.on(`runuser -u postgres -- psql -XAtq queue -c "${query}"`);
  try {
    await project.init(host.name, {
      ...existingConfig(root, host, site.maxBody),
      "berth:site": { maxBody: site.maxBody },
      "berth:app": {
        name: "queue",
        source: { directory: "queue" },
        wsgi: "wsgi:app",
        health: "/",
        processes: { celery: { command: "celery -A tasks worker -c 2", count: 2 } },
      },
    });
    await project.up(host.name);
    await sql("CREATE TABLE runs (id serial, name text, ended timestamptz); ALTER TABLE runs OWNER TO queue");
    step.done();

    step = progress.step(`workers: ${releases} in a row, each with ${tasksOfOne} tasks queued`);
    const names: string[] = [];
    const seconds: number[] = [];
    const count = () => sql("SELECT name, count(*), count(ended) FROM runs GROUP BY name");
    for (let release = 1; release <= releases; release++) {
      const these = Array.from({ length: tasksOfOne }, (_, index) => `t-${release}-${index}`);
      names.push(...these);
      const lines = these.map((name) => `${name} ${secondsOfTask}\n`).join("");
      await host.on(
        `curl -sfk --data-binary @- -H 'Content-Type: text/plain' https://${host.address}/`,
        Buffer.from(lines),
      );
      const text = readFileSync(join(app, "wsgi.py"), "utf8");
      writeFileSync(join(app, "wsgi.py"), text.replace(/^VERSION = .*$/m, `VERSION = "v${release}"`));
      seconds.push((await project.upUnderLoad(host.name)).seconds);
      // What is not done long after its time is lost.
      const end = Date.now() + 180_000;
      while (faultsOfTasks(names, await count()).lost.length > 0 && Date.now() < end) await wait(1000);
    }
    const { lost, twice } = faultsOfTasks(names, await count());
    step.done(`${lost.length} of ${names.length} lost, ${twice.length} run twice`);
    return { releases, tasks: names.length, lost: lost.length, twice: twice.length, seconds };
  } finally {
    host.remove();
  }
}
