// A visitor of any application, as its pages have it: forms are filled in and sent with all that they hold.
import type { Answer, RequestOptions, Stack } from "./harness.ts";

export interface Browser {
  /** A page; where it leads elsewhere, that page. */
  page(path: string): Promise<Answer>;
  /**
   * Fills in the form of a page and sends it.
   *
   * @param fields by their names, in place of what the form holds; a file is `[name, content]`
   */
  send(path: string, fields: Readonly<Record<string, string | readonly [string, Buffer]>>): Promise<Answer>;
}

export function browse(stack: Pick<Stack, "fetch" | "address">): Browser {
  const jar = new Map<string, string>();
  const ask = async (path: string, how: RequestOptions = {}): Promise<Answer> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await stack.fetch(path, { ...how, headers: { ...how.headers, cookie } });
    for (const set of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, value);
    }
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status >= 400 || location === undefined) return answer;
    const next = new URL(location, `https://site${path}`);
    return ask(next.pathname + next.search);
  };
  return {
    page: (path) => ask(path),
    async send(path, fields) {
      const { text } = await ask(path);
      const forms = [...text.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([one]) => one);
      const names = Object.keys(fields);
      const form = forms.find((one) => names.every((name) => one.includes(`name="${name}"`)));
      if (form === undefined)
        throw new Error(`no form with ${names.join(", ")} at ${path}: ${text.slice(0, 2000)}`);
      const attribute = (tag: string, name: string) =>
        new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll("&amp;", "&");
      const held = [...form.matchAll(/<input\b[^>]*>/g)]
        .filter(([tag]) => !/type="(checkbox|radio|submit|file)"/.test(tag))
        .map(([tag]) => [attribute(tag, "name") ?? "", attribute(tag, "value") ?? ""] as const);
      const action = attribute(/<form\b[^>]*>/.exec(form)?.[0] ?? "", "action") || path;
      const origin = `https://${await stack.address()}`;
      return ask(action.startsWith("/") ? action : path, {
        method: "POST",
        headers: {
          origin,
          referer: `${origin}${path}`,
          "content-type": `multipart/form-data; boundary=${boundary}`,
        },
        body: multipart({ ...Object.fromEntries(held.filter(([name]) => name !== "")), ...fields }),
      });
    },
  };
}

const boundary = "----a-visitor-of-the-site";

function multipart(fields: Readonly<Record<string, string | readonly [string, Buffer]>>): Buffer {
  const parts = Object.entries(fields).map(([name, value]) => {
    const [file, content] = typeof value === "string" ? [undefined, Buffer.from(value)] : value;
    const more = file === undefined ? "" : `; filename="${file}"`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n")]);
  });
  return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}
