// A visitor of the example application, who signs its log and leaves a photo.
import { crc32, deflateSync } from "node:zlib";
import type { Answer, Stack } from "./harness.ts";

/** What a browser keeps of a site: its cookies. */
export interface Visitor {
  /** Every `Set-Cookie` that came, as it came. */
  readonly setCookies: readonly string[];
  /** The value of a cookie. */
  cookie(name: string): string | undefined;
  /** Asks for a page. */
  page(path?: string): Promise<Answer>;
  /** Sends the form with a photo; the log answers 302 when it has taken the entry. */
  sign(name: string, message: string): Promise<Answer>;
}

/**
 * Opens the log's form.
 *
 * @param headers sent with every request, such as a login
 */
export async function visitLog(
  stack: Pick<Stack, "fetch" | "address">,
  headers: Readonly<Record<string, string>> = {},
): Promise<Visitor> {
  const jar = new Map<string, string>();
  const setCookies: string[] = [];
  const keep = (answer: Answer): Answer => {
    for (const set of answer.headers["set-cookie"] ?? []) {
      setCookies.push(set);
      const [name = "", value = ""] = (set.split(";")[0] ?? "").split("=");
      jar.set(name, value);
    }
    return answer;
  };
  const cookies = () => ({ cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") });
  const origin = `https://${await stack.address()}`;
  const form = keep(await stack.fetch("/", { headers }));
  const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(form.text)?.[1] ?? "";
  return {
    setCookies,
    cookie: (name) => jar.get(name),
    page: async (path = "/") => keep(await stack.fetch(path, { headers: { ...headers, ...cookies() } })),
    sign: async (name, message) =>
      keep(
        await stack.fetch("/", {
          method: "POST",
          body: entry({ csrfmiddlewaretoken: token, name, message }),
          headers: {
            "content-type": `multipart/form-data; boundary=${boundary}`,
            origin,
            referer: `${origin}/`,
            ...headers,
            ...cookies(),
          },
        }),
      ),
  };
}

/** Where the newest photo on a page is to be had. */
export function photoOn(page: string): string {
  return (/href="([^"]+\.jpe?g[^"]*)"/.exec(page)?.[1] ?? "").replaceAll("&amp;", "&");
}

const boundary = "----berth";

function entry(fields: Readonly<Record<string, string>>): Buffer {
  const part = (head: string, content: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from("\r\n"),
    ]);
  return Buffer.concat([
    ...Object.entries(fields).map(([name, value]) => part(`name="${name}"`, value)),
    part(`name="photo"; filename="p.png"\r\nContent-Type: image/png`, png(64, 48)),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}
/** A PNG of one colour (https://www.w3.org/TR/png-3/). */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(named), 4);
    return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const pixels = Buffer.alloc(height * (1 + width * 3), 0x40);
  for (let row = 0; row < height; row++) pixels[row * (1 + width * 3)] = 0;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
