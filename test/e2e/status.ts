// What 'npm run status' says of a stack of the tests.
import type { Result } from "../engine/harness.ts";
import { until } from "../until.ts";
import { npmRun } from "./checkout.ts";
import type { Stack } from "./harness.ts";

/** What is told of a host, or a part of it, that was late, as on a busy computer any may be. */
const late = / (not answered|no answer|did not answer) in [\d.]+ s/;

/** Asks until the site and every part of the hosts have answered in time. */
export async function askStatus(stack: Stack, ...words: string[]): Promise<Result> {
  let said: Result = { code: -1, stdout: "", stderr: "" };
  await until(
    "every part to answer in time",
    async () => {
      said = await npmRun(stack, "status", ...words).ended;
      return !late.test(said.stdout);
    },
    () => said.stdout,
  );
  return said;
}

/**
 * What 'npm run status' shows, once it is as it should be: of a host that is busy it says for a while what could not be
 * found out in the few seconds that it has.
 */
export async function statusOnce(stack: Stack, isSo: (shown: Result) => boolean): Promise<Result> {
  let shown: Result | undefined;
  await until(
    "the status to be shown",
    async () => {
      shown = await npmRun(stack, "status").ended;
      return isSo(shown);
    },
    () => `${shown?.code} ${shown?.stdout}${shown?.stderr}`,
  );
  return shown as Result;
}
