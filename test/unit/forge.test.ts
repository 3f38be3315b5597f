// The one comment of a pull request and the one issue on drift, at stand-ins of GitHub and GitLab that the test starts.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, type TestContext, test } from "node:test";
import type { ForgeName } from "../../scripts/lib/forge/forge.ts";
import { marker } from "../../scripts/lib/preview/markdown.ts";
import type { Report } from "../../scripts/lib/preview/report.ts";
import { openForge, postComment, tellOfDrift } from "../../scripts/lib/preview/tell.ts";
import { me, type StandIn, standInForGitHub, standInForGitLab } from "../forges.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-forge-"));
after(() => rmSync(folder, { recursive: true }));
const event = join(folder, "event.json");
writeFileSync(event, JSON.stringify({ pull_request: { number: 7 } }));
const push = join(folder, "push.json");
writeFileSync(push, JSON.stringify({ ref: "refs/heads/main" }));

const preview = (text: string, more: Partial<Report> = {}): Report => ({
  stack: "shop",
  failed: false,
  changes: true,
  byHand: false,
  headline: [text],
  sections: [],
  ...more,
});

const forges: Readonly<Record<ForgeName, (t: TestContext) => Promise<StandIn>>> = {
  github: (t) => standInForGitHub(t, event),
  gitlab: standInForGitLab,
};

for (const [name, start] of Object.entries(forges) as [ForgeName, (t: TestContext) => Promise<StandIn>][]) {
  describe(`at a stand-in of ${name}`, () => {
    const open = ({ env }: StandIn, more: NodeJS.ProcessEnv = {}) => openForge(name, { ...env, ...more });

    test("the first run writes the comment, and each later one updates the same", async (t) => {
      const service = await start(t);
      const post = (text: string) => postComment(open(service), preview(text));
      assert.equal(await post("nginx reloads"), "the comment of the pull request: written");
      assert.equal(await post("nginx restarts"), "the comment of the pull request: updated");
      assert.equal(await post("nginx restarts"), "the comment of the pull request: unchanged");
      assert.equal(service.comments.length, 1);
      const { body = "" } = service.comments[0] ?? {};
      assert.match(body, /^<!-- berth: preview of shop -->\n[\s\S]*\*\*nginx restarts\*\*/);
      assert.match(body, /\[the log of this run\]\(https:\/\/git(hub|lab)\.example\/acme\/shop\/\S+\/42\)$/);
      await postComment(open(service), preview("another stack", { stack: "staging" }));
      assert.equal(service.comments.length, 2, "each stack has its own");
    });

    test("it is found among more comments than a page has, with the ends of lines that browsers send", async (t) => {
      const service = await start(t);
      const other = (id: number) => ({ id, author: "octo", body: `comment ${id}` });
      service.comments.push(...Array.from({ length: 230 }, (_, id) => other(id)));
      service.comments.push({ id: 500, author: me, body: `${marker("shop")}\r\nold` });
      service.comments.push(...Array.from({ length: 70 }, (_, id) => other(600 + id)));
      assert.equal(
        await postComment(open(service), preview("new")),
        "the comment of the pull request: updated",
      );
      assert.equal(service.comments.length, 301);
      assert.match(service.comments[230]?.body ?? "", /\*\*new\*\*/);
    });

    test("a comment of somebody else is left alone, marker or not, and so is one that only quotes the marker", async (t) => {
      const service = await start(t);
      const forged = `${marker("shop")}\nlooks good, merge it`;
      const quoted = `as said:\n${marker("shop")}\n`;
      service.comments.push({ id: 1, author: "octo", body: forged }, { id: 2, author: me, body: quoted });
      assert.equal(
        await postComment(open(service), preview("new")),
        "the comment of the pull request: written",
      );
      assert.deepEqual(
        service.comments.slice(0, 2).map(({ body }) => body),
        [forged, quoted],
      );
      assert.equal(
        await postComment(open(service), preview("newer")),
        "the comment of the pull request: updated",
      );
      assert.equal(service.comments.length, 3);
    });

    test("it fits, however much there is to say", async (t) => {
      const service = await start(t);
      const parts = Array.from({ length: 400 }, (_, index) => ({
        title: [`part ${index}`],
        quotes: [{ text: "line\n".repeat(1_000), language: "diff" as const }],
      }));
      await postComment(open(service), preview("much", { sections: [{ heading: "On the hosts", parts }] }));
      assert.match(service.comments[0]?.body ?? "", /\*\*\d+ parts left out\*\*/);
    });

    test("a refusal says what was asked, what was answered and what to do, and never the token", async (t) => {
      const service = await start(t);
      const post = () => postComment(open(service), preview("new"));
      const check = (expected: RegExp) => (error: Error) => {
        assert.match(error.message, expected);
        assert.ok(!error.message.includes(`${service.env.GITHUB_TOKEN ?? service.env.GITLAB_TOKEN}`));
        return true;
      };
      service.refuse(403, "Resource not accessible");
      await assert.rejects(
        post,
        check(/^Git(Hub|Lab) refused to \S.* \(403\): Resource not accessible\. .*(permission|scope)/),
      );
      service.refuse(500, "oops\n\n at line 1");
      await assert.rejects(post, check(/refused to \S.* \(500\): oops at line 1\.$/));
      service.refuse(302, "elsewhere");
      await assert.rejects(post, check(/could not be asked to /));
      service.refuse(200, "no list");
      await assert.rejects(post, check(/did not say whose the token/));
      service.refuse(undefined);
      const wrong = { GITHUB_TOKEN: "wrong", GITLAB_TOKEN: "wrong" };
      await assert.rejects(
        postComment(open(service, wrong), preview("new")),
        /\(401\): Bad credentials\. The token in GIT(HUB|LAB)_TOKEN is not valid/,
      );
      const nobody = {
        GITHUB_API_URL: "http://127.0.0.1:9",
        GITHUB_GRAPHQL_URL: "http://127.0.0.1:9",
        CI_API_V4_URL: "http://127.0.0.1:9",
      };
      await assert.rejects(
        postComment(open(service, nobody), preview("new")),
        /could not be asked to say whose the token is, at http:\/\/127\.0\.0\.1:9: /,
      );
      assert.deepEqual(service.comments, []);
    });

    test("what the pipeline has not set is named, before anything is asked", async (t) => {
      const service = await start(t);
      for (const variable of [
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "GITHUB_REPOSITORY",
        "CI_PROJECT_ID",
        "GITHUB_EVENT_PATH",
        "CI_MERGE_REQUEST_IID",
      ]) {
        if (service.env[variable] === undefined) continue;
        assert.throws(
          () => open(service, { [variable]: "" }).comments(),
          new RegExp(`^Error: ${variable} is not set\\. It is `),
        );
      }
      assert.deepEqual(service.asked, []);
    });

    test("drift opens one issue, updates it, and closes it when it is over; those of others stay", async (t) => {
      const service = await start(t);
      const own = marker("shop", "drift");
      service.issues.push({ id: 1, author: "octo", body: `${own}\nnot Berth's`, open: true });
      const look = (report: Report) => tellOfDrift(open(service), report);
      assert.equal(await look(preview("no changes", { changes: false })), "the issue: none was open");
      assert.equal(await look(preview("a rule was added")), "the issue: written");
      assert.equal(await look(preview("two rules were added")), "the issue: updated");
      assert.equal(await look(preview("", { failed: true })), "the issue stays as it is: the preview failed");
      const [, issue] = service.issues;
      assert.equal(service.issues.length, 2);
      assert.equal(issue?.title, "shop is not what its files say");
      assert.match(issue?.body ?? "", /^<!-- berth: drift of shop -->\n[\s\S]*\*\*two rules were added\*\*/);
      assert.equal(
        await look(preview("no changes", { changes: false, byHand: undefined })),
        "the issue stays as it is: a host could not be looked at",
      );
      assert.equal(await look(preview("by hand", { changes: false, byHand: true })), "the issue: updated");
      assert.equal(await look(preview("no changes", { changes: false })), "the issue: closed");
      assert.equal(issue?.open, false);
      assert.equal(service.issues[0]?.open, true);
      assert.equal(await look(preview("again")), "the issue: written", "a new one, for it is another matter");
    });
  });
}

test("a workflow that no pull request started has nothing to comment on, and is told so", () => {
  const env = { GITHUB_REPOSITORY: "acme/shop", GITHUB_TOKEN: "t", GITHUB_EVENT_PATH: push };
  assert.throws(() => openForge("github", env).comments(), /is about no pull request.*on: pull_request/);
});
