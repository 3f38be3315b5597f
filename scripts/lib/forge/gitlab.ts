// GitLab, from a job: https://docs.gitlab.com/api/notes/ and https://docs.gitlab.com/ci/variables/predefined_variables/
import { type Forge, type Post, variable } from "./forge.ts";
import { normal } from "./github.ts";
import { ask, list, type Service } from "./http.ts";

/** Of a note and of an issue's description: https://docs.gitlab.com/administration/instance_limits/ */
const limit = 1_000_000;

interface Written {
  readonly id: number;
  readonly iid: number;
  readonly body?: string;
  readonly description?: string | null;
  readonly system?: boolean;
  readonly author?: { readonly id: number };
}

export function openGitLab(env: NodeJS.ProcessEnv): Forge {
  const token = variable(
    env,
    "GITLAB_TOKEN",
    "a project access token with the scope api and the role Reporter, as a masked variable; a job's own token cannot write comments",
  );
  const service: Service = {
    name: "GitLab",
    api: variable(env, "CI_API_V4_URL", "the address of its interface; GitLab sets it"),
    headers: { "PRIVATE-TOKEN": token },
    hints: {
      401: "The token in GITLAB_TOKEN is not valid, or has expired.",
      403: "The token in GITLAB_TOKEN needs the scope api and at least the role Reporter.",
      404: "The project or the merge request is not there, or the token may not see it.",
    },
  };
  const project = `/projects/${encodeURIComponent(variable(env, "CI_PROJECT_ID", "the project's number; GitLab sets it"))}`;

  const login = async (): Promise<number> => {
    const { id } = (await ask(service, "to say whose the token is", "GET", "/user")) as { id?: number };
    if (id === undefined) throw new Error("GitLab did not say whose the token in GITLAB_TOKEN is.");
    return id;
  };

  return {
    limit,
    run: env.CI_JOB_URL,
    comments: () => {
      const request = variable(
        env,
        "CI_MERGE_REQUEST_IID",
        "the merge request's number, in a pipeline of a merge request; GitLab sets it",
      );
      const notes = `${project}/merge_requests/${encodeURIComponent(request)}/notes`;
      return {
        own: async (): Promise<Post[]> => {
          const [me, all] = [
            await login(),
            await list(service, "to list the comments", `${notes}?sort=asc&order_by=created_at`),
          ];
          return (all as Written[])
            .filter(({ author, system }) => author?.id === me && !system)
            .map(({ id, body = "" }) => ({ id, body: normal(body) }));
        },
        create: async (_, body) => {
          await ask(service, "to write a comment", "POST", notes, { body });
        },
        update: async (id, body) => {
          await ask(service, "to update a comment", "PUT", `${notes}/${id}`, { body });
        },
      };
    },
    issues: () => ({
      own: async (): Promise<Post[]> => {
        const me = await login();
        const path = `${project}/issues?state=opened&scope=all&author_id=${me}&sort=asc&order_by=created_at`;
        return ((await list(service, "to list the issues", path)) as Written[])
          .filter(({ author }) => author?.id === me)
          .map(({ iid, description }) => ({ id: iid, body: normal(description ?? "") }));
      },
      create: async (title, description) => {
        await ask(service, "to open an issue", "POST", `${project}/issues`, { title, description });
      },
      update: async (id, description) => {
        await ask(service, "to update an issue", "PUT", `${project}/issues/${id}`, { description });
      },
      close: async (id) => {
        await ask(service, "to close an issue", "PUT", `${project}/issues/${id}`, { state_event: "close" });
      },
    }),
  };
}
