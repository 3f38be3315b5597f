// The workflows of examples/ci, which teams copy: what they promise of credentials, locks and pins. Their form is checked by
// actionlint and a schema of GitLab in 'npm run check', their commands by the parser that reads them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { parse as parseYaml } from "yaml";
import { homeOf } from "../../engine/acquire.ts";
import { engineVersions } from "../../engine/versions.ts";
import { parse } from "../../scripts/lib/command-line.ts";
import { commands } from "../../scripts/lib/commands.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: unknown;
  readonly "timeout-minutes": number;
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
    readonly env?: object;
  }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: object;
  readonly concurrency: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly jobs: Readonly<Record<string, Job>>;
}

const github = {
  preview: read("examples/ci/github/preview.yml"),
  deploy: read("examples/ci/github/deploy.yml"),
  drift: read("examples/ci/github/drift.yml"),
};
const workflow = (text: string) => parseYaml(text) as Workflow;
const gitlab = read("examples/ci/gitlab/.gitlab-ci.yml");
const { pulumi: cli } = JSON.parse(read("package.json")).dependencies;

/** What `npm run preview` is given in a text. */
const previews = (text: string) =>
  [...text.matchAll(/npm run preview -- (.*)$/gm)].map(([, line = ""]) =>
    parse(
      commands.preview,
      line.split(" ").map((word) => word.replace(/^"\$(.*)"$/, "$1")),
    ),
  );

for (const [name, text] of Object.entries(github)) {
  test(`GitHub's ${name}: every action is pinned to a commit and says its version`, () => {
    const uses = [...text.matchAll(/uses: (.*)$/gm)].map(([, one = ""]) => one);
    assert.ok(uses.length >= 4);
    for (const one of uses) assert.match(one, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test(`GitHub's ${name}: no rights but those that a job names, no long-lived key, and the engine that Berth pins`, () => {
    const { permissions, jobs, on } = workflow(text);
    assert.deepEqual(permissions, {});
    assert.ok(!("pull_request_target" in on), "which runs a stranger's code with the repository's secrets");
    assert.doesNotMatch(text, /AWS_ACCESS_KEY|AWS_SECRET|PASSPHRASE/i);
    assert.deepEqual(
      [...text.matchAll(/secrets\.(\w+)/g)].map(([, one]) => one).filter((one) => one !== "GITHUB_TOKEN"),
      [],
    );
    for (const { steps } of Object.values(jobs)) {
      for (const { uses = "", with: given } of steps) {
        if (uses.startsWith("pulumi/actions")) assert.equal(given?.["pulumi-version"], cli);
        if (uses.startsWith("actions/checkout")) assert.equal(given?.["persist-credentials"], false);
      }
      // What an event says, such as the name of a branch, is in no line of a shell.
      for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/);
    }
  });
}

describe("GitHub's preview", () => {
  const { jobs, on } = workflow(github.preview);

  test("writes one comment on each pull request, with the rules of the pack and the new migrations", () => {
    assert.deepEqual(Object.keys(on), ["pull_request"]);
    const [line] = previews(github.preview);
    assert.ok(line !== undefined && line !== "help");
    assert.deepEqual(
      [line.post, line["policy-pack"], line.since, line.stack],
      ["github", "policy", "HEAD^1", "STACK"],
    );
    assert.deepEqual(jobs.preview?.permissions, {
      contents: "read",
      "id-token": "write",
      "pull-requests": "write",
    });
  });

  test("gives a fork nothing, and says so", () => {
    assert.equal(jobs.preview?.if, "github.event.pull_request.head.repo.full_name == github.repository");
    assert.equal(jobs.fork?.if, jobs.preview?.if?.replace("==", "!="));
    assert.equal(jobs.fork?.permissions, undefined);
    assert.match(jobs.fork?.steps[0]?.run ?? "", /forks get no credentials/);
  });
});

test("GitHub's deployments queue, and none is cut off; a look for drift is not in their queue", () => {
  const [deploy, drift] = [workflow(github.deploy), workflow(github.drift)];
  assert.equal(deploy.concurrency["cancel-in-progress"], false);
  assert.notEqual(
    deploy.concurrency.group,
    drift.concurrency.group,
    "it would push a waiting deployment out",
  );
  assert.deepEqual(deploy.jobs.up?.permissions, { contents: "read", "id-token": "write" });
  const [look] = previews(github.drift);
  assert.ok(look !== undefined && look !== "help");
  assert.deepEqual([look.issue, look.refresh, look.post], ["github", true, undefined]);
});

test("GitHub deploys main alone, with credentials for as long as the job may take", () => {
  const up = workflow(github.deploy).jobs.up;
  assert.equal(up?.if, "github.ref == 'refs/heads/main'");
  assert.equal(up.environment, "prod");
  const login = up.steps.find(({ uses }) => uses?.startsWith("aws-actions/configure-aws-credentials"));
  assert.equal(login?.with?.["role-duration-seconds"], up["timeout-minutes"] * 60);
});

test("GitHub's workflows install once, and run no script of a package for that", () => {
  for (const text of [github.preview, github.drift]) assert.doesNotMatch(text, /npm (ci|install)/);
  assert.deepEqual(github.deploy.match(/npm (ci|install).*/g), ["npm ci --ignore-scripts"]);
});

describe("GitLab's pipeline", () => {
  const { preview, "no-preview": none, up, drift, variables, ".stack": stack } = parseYaml(gitlab);

  test("previews, deploys and looks for drift as GitHub's workflows do", () => {
    const [first, second] = previews(gitlab);
    assert.ok(first !== undefined && first !== "help" && second !== undefined && second !== "help");
    assert.deepEqual(
      [first.post, first["policy-pack"], first.since],
      ["gitlab", "policy", "CI_MERGE_REQUEST_DIFF_BASE_SHA"],
    );
    assert.deepEqual([second.issue, second.refresh], ["gitlab", true]);
    assert.equal(up.script.at(-1), github.deploy.match(/run: (pulumi up .*)$/m)?.[1]);
    assert.equal(variables.PULUMI_VERSION, cli);
  });

  test("installs once, by Berth's own command, and has the engine where that puts it", () => {
    assert.doesNotMatch(gitlab, /npm ci|npm install|curl/);
    assert.deepEqual(up.script.slice(0, -1), [
      "npm run pulumi -- version",
      `export PATH="$PWD/.berth/pulumi/versions/$PULUMI_VERSION/bin:$PATH"`,
    ]);
    const place = join(homeOf("/checkout"), "versions", engineVersions().cli, "bin");
    assert.equal(place, `/checkout/.berth/pulumi/versions/${variables.PULUMI_VERSION}/bin`);
  });

  test("ends a deployment before its credentials do", () => {
    assert.equal(up.timeout, "55 minutes");
  });

  test("gives a fork nothing, and says so", () => {
    const [{ if: own }] = preview.rules;
    assert.match(own, /&& \$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == \$CI_MERGE_REQUEST_PROJECT_ID$/);
    assert.equal(none.rules[0].if, own.replace(/== (?=\$CI_MERGE_REQUEST_PROJECT_ID)/, "!= "));
    assert.equal(none.extends, undefined);
    assert.match(none.script[0], /forks get no credentials/);
  });

  test("locks what must not run twice, and has no long-lived key", () => {
    const groups = [preview, up, drift].map((job) => job.resource_group);
    assert.deepEqual(groups, ["preview-$CI_MERGE_REQUEST_IID", "deploy-prod", "drift-prod"]);
    assert.equal(up.interruptible, false);
    assert.deepEqual(stack.id_tokens, { AWS_ID_TOKEN: { aud: "sts.amazonaws.com" } });
    assert.doesNotMatch(gitlab, /AWS_ACCESS_KEY|AWS_SECRET|PASSPHRASE/i);
  });
});
