// npm start: a stack, from nothing to a URL. HOST=user@address npm start deploys to a machine that you have.
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { resolve } from "node:path";
import { ensureEngine } from "../engine/acquire.ts";
import { lineProgress, type Progress } from "../engine/progress.ts";
import { ensureStack } from "../engine/run.ts";
import { leftToKnow } from "./lib/after.ts";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { ensurePackages, forLocalHosts } from "./lib/debian.ts";
import { ensureStackFile, readTarget } from "./lib/existing.ts";
import { ensureImage } from "./lib/image.ts";
import { lookAtDoor } from "./lib/outside/look.ts";
import { obstaclesOf, obstacleText } from "./lib/outside/obstacles.ts";
import {
  djangoName,
  doorOf,
  hasLocalHost,
  isTeamsOwn,
  localNames,
  requireOwnStack,
  requireStackFile,
  say,
  stackFlag,
  stackOutputsOf,
} from "./lib/stack.ts";
import { runUpdate } from "./lib/update.ts";

const root = resolve(import.meta.dirname, "..");

async function start(named: string, looks: boolean): Promise<boolean> {
  const [began, beganAt] = [performance.now(), new Date()];
  const progress = lineProgress();
  // Some shells export their own HOST, the computer's name.
  const target = process.env.HOST?.includes("@") ? readTarget(process.env.HOST) : undefined;
  if (target !== undefined && named !== "local")
    throw new UsageError(
      [
        `HOST=${process.env.HOST} deploys the example, as stack '${target.stack}', and -s names the stack '${named}'.`,
        `To deploy '${named}' to that machine, leave HOST out and describe the machine in Pulumi.${named}.yaml as berth:host:`,
        "docs/deploying-your-application.md shows how.",
      ].join(" "),
    );
  const stack = target?.stack ?? named;
  if (target === undefined) {
    requireStackFile(root, stack);
    requireOwnStack(root, stack);
  }
  say(stack, "deploying what its file describes (pulumi up)");
  if (target !== undefined) ensureStackFile(root, target, progress);
  // The first time each takes minutes, and waits mostly for something else than the other.
  await Promise.all([
    ensureEngine(root, progress),
    hasLocalHost(root, stack) ? readyForLocalHosts(progress) : undefined,
  ]);
  if (!isTeamsOwn(root, stack)) await ensureStack(root, stack);

  const { code, summary } = await runUpdate(root, "up", stack, looks);
  if (code !== 0) {
    throw new Error(
      `'pulumi up' ended with ${code}. The reason is above. Fix it and run '${startAgain(stack)}' again: Berth continues where it stopped.`,
    );
  }
  const { same = 0, ...changes } = summary?.changes ?? {};
  const changed = Object.values(changes).reduce((sum, count) => sum + count, 0);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    changed === 0 ? `berth: unchanged (${same} resources), ${seconds} s` : `berth: done, ${seconds} s`,
  );
  if (changed > 0) for (const line of await leftToKnow(root, stack, beganAt)) console.log(`berth: ${line}`);
  return report(stack);
}

const startAgain = (stack: string) => (stack === "local" ? "npm start" : `npm start --${stackFlag(stack)}`);

/** The packages that local hosts need on this computer, and the image that they are made from. */
async function readyForLocalHosts(progress: Progress): Promise<void> {
  await ensurePackages(forLocalHosts, progress);
  await ensureImage(root);
}

/** Says where the site is, what answers there, and what to do next; whether visitors get more than an error there. */
async function report(stack: string): Promise<boolean> {
  const outputs = await stackOutputsOf(root, stack);
  const url = String(outputs.url);
  const [front, obstacles] = await Promise.all([
    frontOf(url),
    obstaclesTo(stack, String(outputs.hostAddress)),
  ]);
  const choice = stackFlag(stack);
  const names = localNames(root, stack, String(outputs.hostAddress));
  const isDjango = djangoName(root, stack) !== undefined;
  const ssh = stack === "local" ? "npm run ssh" : `npm run ssh --${choice}`;
  console.log(`
  ${url}    ${front.words}
${names === undefined ? "" : `\n  by its name   ${names}`}
  log in        ${ssh}${isDjango ? `\n  make an admin npm run exec --${choice} python -m django createsuperuser` : ""}
  see status    npm run status${choice === "" ? "" : ` --${choice}`}
  see logs      npm run logs --${choice} web
  change        edit the application or Pulumi.${stack}.yaml, then ${startAgain(stack)}
  preview       npm run preview -- -s ${stack}
  outputs       npm run -s pulumi -- stack output --json -s ${stack}
  remove all    npm run destroy${choice === "" ? "" : ` --${choice}`}
`);
  for (const obstacle of obstacles) console.log(`berth: warning: ${obstacle}`);
  // 503 is the maintenance page's.
  const isBroken = front.status >= 500 && front.status !== 503;
  if (isBroken)
    console.error(
      `berth: the release is healthy by its health path, but visitors get an error at ${url} (${front.status}). ` +
        `The log: npm run logs --${choice} web. Add its path to app.pages, such as 'pages: [/]': then no release that breaks it goes live.`,
    );
  return !isBroken;
}

/** What keeps visitors from the site, a line each: where its names lead, and what is closed in front of its host. */
async function obstaclesTo(stack: string, address: string): Promise<string[]> {
  const door = doorOf(root, stack, address);
  return door === undefined ? [] : obstaclesOf(door, await lookAtDoor(door)).map(obstacleText);
}

/** What answers at the site's front door, 0 where nothing does. The certificate may be one that no authority has signed. */
function frontOf(url: string): Promise<{ readonly status: number; readonly words: string }> {
  return new Promise((settle) => {
    const get = url.startsWith("https:") ? getHttps : getHttp;
    const request = get(url, { rejectUnauthorized: false, timeout: 10_000 }, (response) => {
      response.resume();
      const { statusCode: status = 0, statusMessage = "" } = response;
      settle({ status, words: `answers ${status} ${statusMessage}`.trim() });
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", (error) =>
      settle({ status: 0, words: `does not answer from here: ${error.message}` }),
    );
  });
}

await run(commands.start, async ({ stack, "no-drift": noDrift }) => {
  return (await start(stack, !noDrift)) ? 0 : 1;
});
