// The look at the hosts that goes with a deployment or a preview: while the engine starts, so that it costs next to nothing.
// The program waits for its end (components/host/drifted.ts), and has each step run again that somebody has undone.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { driftVariable } from "../../../components/host/drifted.ts";
import { type Beside, type Drift, lookForDrift } from "./look.ts";

/** How long the program waits for the look once it is ready itself, in seconds. */
const wait = Number(process.env.BERTH_DRIFT_PATIENCE) || 2;

/** How long a host may take, in seconds. */
const patience = Math.max(10, Math.ceil(wait));

/**
 * Runs `call` with the environment that tells the program, and tells what is different once it is known.
 *
 * @param tell is called once, with undefined where the hosts could not be looked at in time; not at all where `call` ends first
 */
export async function withDrift<T>(
  root: string,
  stack: string,
  tell: (drift: Drift | undefined) => void,
  call: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  let over = false;
  const folder = mkdtempSync(join(tmpdir(), "berth-drift-"));
  const told = lookUntil(root, stack, { end: end.signal, keys: join(folder, "keys") }).then((drift) => {
    if (!over) tell(drift);
    return JSON.stringify(drift === undefined ? {} : stepsUndone(drift, new Date()));
  });
  const path = join(folder, "told");
  const server = createServer((socket) => {
    const timer = setTimeout(() => end.abort(), wait * 1000);
    socket.on("error", () => {});
    told.then((text) => {
      clearTimeout(timer);
      socket.end(text);
    });
  });
  try {
    // A path may be too long for a socket; a deployment goes on without.
    const isOpen = await new Promise<boolean>((settle) => {
      server.once("error", () => settle(false)).listen(path, () => settle(true));
    });
    return await call(isOpen ? { [driftVariable]: path } : {});
  } finally {
    over = true;
    end.abort();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Undefined where it cannot be done, or its end comes before the stack's state is known: a deployment goes on without. */
function lookUntil(root: string, stack: string, beside: Beside): Promise<Drift | undefined> {
  const ended = new Promise<undefined>((settle) => {
    // A host that has not answered by then is told, with those that have.
    beside.end.addEventListener("abort", () => pause(500, undefined, { ref: false }).then(settle), {
      once: true,
    });
  });
  return Promise.race([lookForDrift(root, stack, patience, beside).catch(() => undefined), ended]);
}

/** The steps to run again, each with the words that the engine keeps and shows: when it was seen, and what. */
export function stepsUndone({ hosts }: Drift, now: Date): Readonly<Record<string, string>> {
  const steps = new Map<string, string[]>();
  for (const { kind, name, step, what, mended } of hosts.flatMap(({ differences }) => differences)) {
    // The engine knows that a step has failed.
    if (mended && kind !== "step") steps.set(step, [...(steps.get(step) ?? []), `${name} ${what}`]);
  }
  return Object.fromEntries(
    [...steps].map(([step, found]) => {
      const rest = found.length > 3 ? `; and ${found.length - 3} more` : "";
      return [step, `${now.toISOString()}: ${found.slice(0, 3).join("; ")}${rest}`];
    }),
  );
}
