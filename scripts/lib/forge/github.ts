// GitHub, from a workflow: https://docs.github.com/en/rest/issues/comments and
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
import { readFileSync } from "node:fs";
import { type Forge, type Post, variable } from "./forge.ts";
import { ask, list, type Service } from "./http.ts";

/** How many characters the body of a comment or an issue may have; GitHub says so when it is longer. */
const limit = 65_536;

interface Written {
  readonly number: number;
  readonly id: number;
  readonly body?: string | null;
  readonly user?: { readonly login: string } | null;
  readonly pull_request?: unknown;
}

export function openGitHub(env: NodeJS.ProcessEnv): Forge {
  const api = env.GITHUB_API_URL || "https://api.github.com";
  const repository = variable(env, "GITHUB_REPOSITORY", "the repository, as OWNER/NAME; GitHub sets it");
  const service: Service = {
    name: "GitHub",
    api,
    headers: {
      Accept: "application/vnd.github+json",
      Authorization: `Bearer ${variable(env, "GITHUB_TOKEN", "the workflow's token: env: { GITHUB_TOKEN: the secret of that name }")}`,
      "X-GitHub-Api-Version": "2022-11-28",
    },
    hints: {
      401: "The token in GITHUB_TOKEN is not valid.",
      403: "The job needs the permission to write: permissions: { pull-requests: write } for comments, { issues: write } for issues. A pull request from a fork never has it.",
      404: "The repository or the pull request is not there, or the token may not see it.",
    },
  };
  const repo = `/repos/${repository.split("/").map(encodeURIComponent).join("/")}`;
  const server = env.GITHUB_SERVER_URL || "https://github.com";

  /** Who writes with this token: a user, or an app such as github-actions[bot]. */
  const login = async (): Promise<string> => {
    const graphql = { ...service, api: env.GITHUB_GRAPHQL_URL || api.replace(/(\/api)?\/v3$/, "/api") };
    const path = env.GITHUB_GRAPHQL_URL ? "" : "/graphql";
    const answer = await ask(graphql, "to say whose the token is", "POST", path, {
      query: "{ viewer { login } }",
    });
    const found = (answer as { data?: { viewer?: { login?: string } } }).data?.viewer?.login;
    if (!found) throw new Error("GitHub did not say whose the token in GITHUB_TOKEN is.");
    return found;
  };
  const own = async (what: string, path: string, key: "id" | "number"): Promise<Post[]> => {
    const [me, all] = [await login(), await list(service, what, path)];
    return (all as Written[])
      .filter(({ user, pull_request }) => user?.login === me && pull_request === undefined)
      .map((one) => ({ id: one[key], body: normal(one.body ?? "") }));
  };

  return {
    limit,
    run: env.GITHUB_RUN_ID ? `${server}/${repository}/actions/runs/${env.GITHUB_RUN_ID}` : undefined,
    comments: () => {
      const comments = `${repo}/issues/${pullRequest(env)}/comments`;
      return {
        own: () => own("to list the comments", comments, "id"),
        create: async (_, body) => {
          await ask(service, "to write a comment", "POST", comments, { body });
        },
        update: async (id, body) => {
          await ask(service, "to update a comment", "PATCH", `${repo}/issues/comments/${id}`, { body });
        },
      };
    },
    issues: () => ({
      own: () => own("to list the issues", `${repo}/issues?state=open&sort=created&direction=asc`, "number"),
      create: async (title, body) => {
        await ask(service, "to open an issue", "POST", `${repo}/issues`, { title, body });
      },
      update: async (id, body) => {
        await ask(service, "to update an issue", "PATCH", `${repo}/issues/${id}`, { body });
      },
      close: async (id) => {
        await ask(service, "to close an issue", "PATCH", `${repo}/issues/${id}`, { state: "closed" });
      },
    }),
  };
}

/** Both services may give lines back with the ends that browsers send. */
export const normal = (body: string) => body.replaceAll("\r\n", "\n");

/** The number of the pull request, as the event says that started the workflow. */
function pullRequest(env: NodeJS.ProcessEnv): number {
  const path = variable(
    env,
    "GITHUB_EVENT_PATH",
    "the file with the event that started the workflow; GitHub sets it",
  );
  const number = JSON.parse(readFileSync(path, "utf8")).pull_request?.number;
  if (Number.isSafeInteger(number)) return number;
  throw new Error(
    `The event in ${path} is about no pull request, so there is nothing to comment on. Use --post in a workflow with 'on: pull_request'.`,
  );
}
