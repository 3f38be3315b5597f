// JSON over HTTP, with a token that is in the header alone.

export interface Service {
  /** What people call it. */
  readonly name: string;
  /** The address that all paths are below. */
  readonly api: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a status means for the one who set the pipeline up. */
  readonly hints: Readonly<Record<number, string>>;
}

const patience = 30_000;
const perPage = 100;

/**
 * Asks a service.
 *
 * @param what what is asked, for the error: `to write a comment`
 */
export async function ask(
  service: Service,
  what: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { name, api, headers, hints } = service;
  let response: Response;
  try {
    response = await fetch(`${api.replace(/\/+$/, "")}${path}`, {
      method,
      headers: { ...headers, "User-Agent": "berth", "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A token is sent to the service that it is for, and nowhere else.
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    throw new Error(`${name} could not be asked ${what}, at ${api}: ${cause?.message ?? message}.`);
  }
  const text = await response.text();
  if (!response.ok) {
    const hint = hints[response.status];
    throw new Error(
      `${name} refused ${what} (${response.status}): ${reasonIn(text)}.${hint === undefined ? "" : ` ${hint}`}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} was asked ${what}, at ${api}, and its answer is no JSON: ${reasonIn(text)}.`);
  }
}

/** All entries of a list, page by page. */
export async function list(service: Service, what: string, path: string): Promise<unknown[]> {
  const entries: unknown[] = [];
  for (let page = 1; ; page++) {
    const query = `${path.includes("?") ? "&" : "?"}per_page=${perPage}&page=${page}`;
    const found = await ask(service, what, "GET", `${path}${query}`);
    if (!Array.isArray(found)) throw new Error(`${service.name} was asked ${what}, and answered no list.`);
    entries.push(...found);
    if (found.length < perPage) return entries;
  }
}

/** What an answer says, in a line. */
function reasonIn(text: string): string {
  let said = text;
  try {
    const { message, error, errors } = JSON.parse(text);
    said = [message ?? error, errors].filter(Boolean).map(asText).join(" ");
  } catch {}
  return said.replaceAll(/\s+/g, " ").trim().slice(0, 300).replace(/\.$/, "") || "no reason given";
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
