// Stand-ins of GitHub's and GitLab's interfaces: what Berth uses of comments and issues, on this computer. They keep what is
// written in memory, give lists in pages of at most a hundred, and refuse a wrong token and a body that is too long.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Entry {
  readonly id: number;
  readonly author: string;
  body: string;
  title?: string;
  open?: boolean;
}

export interface StandIn {
  /** What a pipeline has in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly comments: Entry[];
  readonly issues: Entry[];
  /** Each request, as `METHOD path`. */
  readonly asked: string[];
  /** Answers all that follows with this, until it is taken back. */
  refuse(status: number | undefined, message?: string): void;
}

interface Scope {
  after(clean: () => void): void;
}

export const me = "berth-bot[bot]";
const token = "token-of-the-pipeline";

type Answer = readonly [status: number, body: unknown];
type Route = (groups: readonly string[], body: Record<string, string>, query: URLSearchParams) => Answer;

/** A server that answers by the first route that fits `METHOD path`. */
async function serve(
  scope: Scope,
  isAllowed: (request: IncomingMessage) => boolean,
  routes: Readonly<Record<string, Route>>,
): Promise<{ readonly address: string; readonly asked: string[]; refuse: StandIn["refuse"] }> {
  const asked: string[] = [];
  let refusal: Answer | undefined;
  const answer = (request: IncomingMessage, text: string): Answer => {
    const url = new URL(request.url ?? "/", "http://stand-in");
    const called = `${request.method} ${url.pathname}`;
    asked.push(called);
    if (refusal !== undefined) return refusal;
    if (!isAllowed(request)) return [401, { message: "Bad credentials" }];
    for (const [pattern, route] of Object.entries(routes)) {
      const found = new RegExp(`^${pattern}$`).exec(called);
      if (found) return route(found.slice(1), text === "" ? {} : JSON.parse(text), url.searchParams);
    }
    return [404, { message: "Not Found" }];
  };
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const [status, body] = answer(request, (await request.toArray()).join(""));
    if (status >= 300 && status < 400) response.setHeader("Location", "http://127.0.0.1:9/");
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scope.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    refuse: (status, message = "refused") => {
      refusal = status === undefined ? undefined : [status, { message }];
    },
  };
}

/** A page of a list, as both services cut it. */
function page<T>(all: readonly T[], query: URLSearchParams): readonly T[] {
  const size = Math.min(Number(query.get("per_page") ?? 20), 100);
  const start = (Number(query.get("page") ?? 1) - 1) * size;
  return all.slice(start, start + size);
}

/** What both keep; `shown` is how an entry looks to one who asks. */
function store(shown: (entry: Entry) => unknown, limit: number) {
  const entries: Entry[] = [];
  const tooLong = (body: string | undefined): Answer | undefined =>
    body !== undefined && [...body].length > limit
      ? [
          422,
          {
            message: "Validation Failed",
            errors: [{ message: `body is too long (maximum is ${limit} characters)` }],
          },
        ]
      : undefined;
  return {
    entries,
    list: (query: URLSearchParams): Answer => [
      200,
      page(
        entries.filter(({ open }) => open !== false),
        query,
      ).map(shown),
    ],
    create: (body: string | undefined, more: Partial<Entry> = {}): Answer => {
      const refused = tooLong(body);
      if (refused) return refused;
      const entry = { id: 1000 + entries.length, author: me, body: body ?? "", ...more };
      entries.push(entry);
      return [201, shown(entry)];
    },
    change: (id: string | undefined, body: string | undefined, more: Partial<Entry> = {}): Answer => {
      const entry = entries.find((one) => `${one.id}` === id);
      if (entry === undefined) return [404, { message: "Not Found" }];
      if (entry.author !== me) return [403, { message: "Must be its author" }];
      const refused = tooLong(body);
      if (refused) return refused;
      Object.assign(entry, body === undefined ? {} : { body }, more);
      return [200, shown(entry)];
    },
  };
}

/** @param event a file with the event of pull request 7 */
export async function standInForGitHub(scope: Scope, event: string): Promise<StandIn> {
  const user = ({ author }: Entry) => ({ login: author, type: author.endsWith("[bot]") ? "Bot" : "User" });
  const comments = store((one) => ({ id: one.id, body: one.body, user: user(one) }), 65_536);
  const issues = store(
    (one) => ({ id: 5, number: one.id, title: one.title, body: one.body, user: user(one) }),
    65_536,
  );
  const repo = "/repos/acme/shop";
  const { address, asked, refuse } = await serve(
    scope,
    ({ headers }) => headers.authorization === `Bearer ${token}`,
    {
      "POST /graphql": () => [200, { data: { viewer: { login: me } } }],
      [`GET ${repo}/issues/7/comments`]: (_, __, query) => comments.list(query),
      [`POST ${repo}/issues/7/comments`]: (_, { body }) => comments.create(body),
      [`PATCH ${repo}/issues/comments/(\\d+)`]: ([id], { body }) => comments.change(id, body),
      [`GET ${repo}/issues`]: (_, __, query) => issues.list(query),
      [`POST ${repo}/issues`]: (_, { body, title }) =>
        issues.create(body, { ...(title ? { title } : {}), open: true }),
      [`PATCH ${repo}/issues/(\\d+)`]: ([id], { body, state }) =>
        issues.change(id, body, state === "closed" ? { open: false } : {}),
    },
  );
  const env = {
    GITHUB_API_URL: address,
    GITHUB_GRAPHQL_URL: `${address}/graphql`,
    GITHUB_SERVER_URL: "https://github.example",
    GITHUB_REPOSITORY: "acme/shop",
    GITHUB_RUN_ID: "42",
    GITHUB_EVENT_PATH: event,
    GITHUB_TOKEN: token,
  };
  return { env, comments: comments.entries, issues: issues.entries, asked, refuse };
}

export async function standInForGitLab(scope: Scope): Promise<StandIn> {
  const author = ({ author: name }: Entry) => ({ id: name === me ? 1 : 2, username: name });
  const comments = store(
    (one) => ({ id: one.id, body: one.body, author: author(one), system: false }),
    1_000_000,
  );
  const issues = store(
    (one) => ({ id: 5, iid: one.id, title: one.title, description: one.body, author: author(one) }),
    1_000_000,
  );
  const project = "/api/v4/projects/12";
  const { address, asked, refuse } = await serve(scope, ({ headers }) => headers["private-token"] === token, {
    "GET /api/v4/user": () => [200, { id: 1, username: me }],
    [`GET ${project}/merge_requests/7/notes`]: (_, __, query) => comments.list(query),
    [`POST ${project}/merge_requests/7/notes`]: (_, { body }) => comments.create(body),
    [`PUT ${project}/merge_requests/7/notes/(\\d+)`]: ([id], { body }) => comments.change(id, body),
    [`GET ${project}/issues`]: (_, __, query) => issues.list(query),
    [`POST ${project}/issues`]: (_, { description, title }) =>
      issues.create(description, { ...(title ? { title } : {}), open: true }),
    [`PUT ${project}/issues/(\\d+)`]: ([id], { description, state_event }) =>
      issues.change(id, description, state_event === "close" ? { open: false } : {}),
  });
  const env = {
    CI_API_V4_URL: `${address}/api/v4`,
    CI_PROJECT_ID: "12",
    CI_MERGE_REQUEST_IID: "7",
    CI_JOB_URL: "https://gitlab.example/acme/shop/-/jobs/42",
    GITLAB_TOKEN: token,
  };
  return { env, comments: comments.entries, issues: issues.entries, asked, refuse };
}
