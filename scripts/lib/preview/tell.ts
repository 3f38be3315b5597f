// Tells a team of a preview where it talks about its code.
import { closeAll, type Forge, type ForgeName, writeOne } from "../forge/forge.ts";
import { openGitHub } from "../forge/github.ts";
import { openGitLab } from "../forge/gitlab.ts";
import { comment, marker } from "./markdown.ts";
import type { Report } from "./report.ts";

const forges: Readonly<Record<ForgeName, (env: NodeJS.ProcessEnv) => Forge>> = {
  github: openGitHub,
  gitlab: openGitLab,
};

export const openForge = (name: ForgeName, env: NodeJS.ProcessEnv): Forge => forges[name](env);

/** Writes a preview as the one comment of the pull request. What was done. */
export async function postComment(forge: Forge, report: Report): Promise<string> {
  const text = comment(report, { limit: forge.limit, run: forge.run });
  const done = await writeOne(forge.comments(), marker(report.stack), "", text);
  return `the comment of the pull request: ${done}`;
}

/** Opens, updates or closes the one issue on changes that nobody has deployed. What was done. */
export async function tellOfDrift(forge: Forge, report: Report): Promise<string> {
  const { stack } = report;
  const own = marker(stack, "drift");
  if (report.failed) return "the issue stays as it is: the preview failed";
  const { changes, byHand } = report;
  if (!changes && byHand === undefined) return "the issue stays as it is: a host could not be looked at";
  if (!changes && !byHand) return `the issue: ${await closeAll(forge.issues(), own)}`;
  const text = comment(report, { limit: forge.limit, run: forge.run, isDrift: true });
  return `the issue: ${await writeOne(forge.issues(), own, `${stack} is not what its files say`, text)}`;
}
