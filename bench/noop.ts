import { localConfig } from "./berth.ts";
import { site } from "./contender.ts";
import type { Project } from "./engine.ts";
import { claimHost } from "./host.ts";
import type { Book } from "./report.ts";

/** The names under which the figures of the no-op are noted. */
export const noop = { what: "up without a change", empty: "empty program", stack: "local stack" } as const;

/** The least Pulumi program and the whole local stack, each deployed once and then asked again. */
export interface NoOp {
  round(book: Book): Promise<void>;
  end(): Promise<void>;
}

/** Deploys both; the second takes a local host of its own. */
export async function prepareNoOp(root: string, empty: Project, berth: Project, name: string): Promise<NoOp> {
  await empty.init(name, {});
  await berth.init(name, localConfig(root, site.maxBody));
  // The name that LocalHost gives its machine.
  claimHost(`berth-${name}-web`);
  await empty.up(name);
  await berth.up(name);
  // The first run without a change still compiles what the deployment did not use.
  await empty.up(name, "no-changes");
  await berth.up(name, "no-changes");
  const once = async (book: Book, project: Project, who: string) => {
    const { seconds, cpu } = await project.up(name, "no-changes");
    book.note(noop.what, who, "s", seconds);
    book.note(`${noop.what}, processor time`, who, "s", cpu);
    // Looking at the memory takes time of its own, so it is another run.
    const { peak } = await project.watch(name);
    book.note(`${noop.what}, peak memory`, who, "MiB", peak);
  };
  return {
    async round(book) {
      await once(book, empty, noop.empty);
      await once(book, berth, noop.stack);
    },
    end: () => berth.destroy(name),
  };
}
