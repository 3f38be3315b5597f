// Where a team keeps its code and talks about it. Each has comments of one pull request and issues of one project.

/** A comment or an issue of Berth's own. */
export interface Post {
  /** What the service knows it by. */
  readonly id: number;
  readonly body: string;
}

/** Posts of one kind in one place. */
export interface Posts {
  /** Those that the login of this pipeline has written, the oldest first. */
  own(): Promise<readonly Post[]>;
  create(title: string, body: string): Promise<void>;
  update(id: number, body: string): Promise<void>;
}

export interface Issues extends Posts {
  close(id: number): Promise<void>;
}

export interface Forge {
  /** How many characters a post may have. */
  readonly limit: number;
  /** The address of this run of the pipeline. */
  readonly run: string | undefined;
  /** The comments of the pull request that the pipeline runs for. */
  comments(): Posts;
  /** The open issues. */
  issues(): Issues;
}

export type ForgeName = "github" | "gitlab";

/** Whether a post is the one that a marker belongs to: it begins with it. Further down it may stand in anybody's text. */
const isMarked = ({ body }: Post, marker: string) => body.startsWith(`${marker}\n`);

/** Writes the one post with a marker: updates it where it is there. What was done, for the log. */
export async function writeOne(posts: Posts, marker: string, title: string, body: string): Promise<string> {
  const found = (await posts.own()).find((post) => isMarked(post, marker));
  if (found === undefined) {
    await posts.create(title, body);
    return "written";
  }
  if (found.body.trimEnd() === body.trimEnd()) return "unchanged";
  await posts.update(found.id, body);
  return "updated";
}

/** Closes the open issues with a marker. What was done. */
export async function closeAll(issues: Issues, marker: string): Promise<string> {
  const found = (await issues.own()).filter((post) => isMarked(post, marker));
  for (const { id } of found) await issues.close(id);
  return found.length === 0 ? "none was open" : "closed";
}

/** A variable that the pipeline has to give. */
export function variable(env: NodeJS.ProcessEnv, name: string, what: string): string {
  const value = env[name];
  if (value) return value;
  throw new Error(`${name} is not set. It is ${what}. Set it in the pipeline; see docs/pull-requests.md.`);
}
