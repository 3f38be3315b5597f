// What tests wait with: for a state, never for a time.
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds after which nothing is coming any more: much longer than anything takes on a busy computer. */
const patience = 240_000;

/**
 * Waits until a condition holds, and fails with the words given, and with what was said, when it never does. A condition
 * that is costly to ask for is asked less often, so that it does not hold up what it waits for.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  said = () => "",
): Promise<void> {
  const deadline = Date.now() + patience;
  while (true) {
    const began = Date.now();
    if (await holds()) return;
    if (Date.now() > deadline) assert.fail(`waited ${patience / 1000} s for: ${what}\n${said()}`);
    await wait(Math.max(50, 3 * (Date.now() - began)));
  }
}
