// npm run preview: what a deployment would change, for a person, a pull request or a program that looks for drift.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { run, UsageError } from "./lib/command-line.ts";
import { commands } from "./lib/commands.ts";
import { askPreview, type Question } from "./lib/preview/ask.ts";
import { forLog } from "./lib/preview/log.ts";
import { comment, limits, marker } from "./lib/preview/markdown.ts";
import { migrationsSince, readNew, sourceFolder, withSql } from "./lib/preview/migrations/new.ts";
import { plainText } from "./lib/preview/plain.ts";
import { reportOn } from "./lib/preview/report.ts";
import { openForge, postComment, tellOfDrift } from "./lib/preview/tell.ts";
import { say } from "./lib/stack.ts";

const root = resolve(import.meta.dirname, "..");

await run(commands.preview, async (line) => {
  const { stack, markdown, output, since, sql, refresh, post, issue } = line;
  if (sql !== undefined && since === undefined)
    throw new UsageError(
      "--sql shows the SQL of new migrations, and --since says since when they are new. Name both.",
    );
  if (markdown && output !== undefined)
    throw new UsageError(
      "--markdown prints the comment and --output writes it into a file. Leave one of them out.",
    );
  // What the pipeline has not set, or a comment cannot be for, is said before anything takes time.
  const commented = post === undefined ? undefined : openForge(post, process.env);
  commented?.comments();
  if (markdown || output !== undefined || (post ?? issue) !== undefined) marker(stack);
  const told = issue === undefined ? undefined : openForge(issue, process.env);
  // The program of the stack, which runs next, needs neither.
  for (const token of ["GITHUB_TOKEN", "GITLAB_TOKEN"]) if (commented ?? told) delete process.env[token];
  const migrations = since === undefined ? undefined : await migrationsOf(stack, since, sql);
  say(stack, "looking at what would change (pulumi preview)");
  // Only at a person's own computer is a stack to be expected that nobody has made yet.
  const inPipeline = (post ?? issue) !== undefined || !["", "false"].includes(process.env.CI ?? "");
  const question: Question = {
    stack,
    policyPack: line["policy-pack"],
    refresh,
    looks: line["no-drift"] ? "not" : inPipeline || markdown || output !== undefined ? "names" : "lines",
    mustBeThere: inPipeline,
  };
  const { preview, look } = await askPreview(root, question);
  const report = reportOn(stack, preview, migrations, look);
  const asComment = () => comment(report, { limit: limits.github });
  console.log(forLog(markdown ? asComment() : plainText(report), process.env));
  if (output !== undefined) writeFileSync(output, `${asComment()}\n`);
  if (commented !== undefined) say(stack, await postComment(commented, report));
  if (told !== undefined) say(stack, await tellOfDrift(told, report));
  if (report.failed) return 1;
  return line["expect-no-changes"] && report.changes ? 3 : 0;
});

/** The migrations that are new, and their SQL where a command is named that tells it. */
async function migrationsOf(stack: string, since: string, sql: string | undefined) {
  const source = sourceFolder(root, stack);
  const migrations = readNew(source, migrationsSince(root, stack, since));
  if (sql === undefined || migrations.length === 0) return migrations;
  say(stack, `asking for the SQL of new migrations (${sql} sqlmigrate)`);
  return withSql(sql, source, migrations);
}
