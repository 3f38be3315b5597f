import type { rivalNames } from "../scripts/lib/commands.ts";
import { ansible } from "./ansible.ts";
import { berth } from "./berth.ts";
import type { Contender } from "./contender.ts";
import type { Project } from "./engine.ts";
import { floor } from "./floor.ts";
import { pyinfra } from "./pyinfra.ts";

type Make = (root: string, folder: string) => Contender | Promise<Contender>;

const rivals: Readonly<Record<(typeof rivalNames)[number], Make>> = {
  floor,
  ansible: (root, folder) => ansible(root, folder, "pipelining"),
  mitogen: (root, folder) => ansible(root, folder, "mitogen"),
  pyinfra,
};

/** Who takes part, and who cannot, with the reason. */
export interface Field {
  readonly contenders: readonly Contender[];
  readonly leftOut: readonly string[];
}

/** Those that are named, and Berth. Who cannot be installed is left out. */
export async function fieldOf(
  names: readonly string[],
  root: string,
  folder: string,
  project: Project,
): Promise<Field> {
  const contenders: Contender[] = [];
  const leftOut: string[] = [];
  for (const [name, make] of Object.entries(rivals)) {
    if (!names.includes(name)) continue;
    try {
      contenders.push(await make(root, folder));
    } catch (error) {
      leftOut.push(`${name}: ${(error as Error).message}`);
    }
  }
  return { contenders: [...contenders, berth(root, project)], leftOut };
}
