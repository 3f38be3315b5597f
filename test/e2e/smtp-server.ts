// A server for mail as a provider has it: it takes mail by STARTTLS and with a login alone, and keeps it in memory.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { besideHosts, ownCertificate } from "./own-certificate.ts";

export interface Mail {
  /** The name and the password that it was handed in with. */
  readonly login: readonly string[];
  readonly from: string;
  readonly to: readonly string[];
  /** Its headers and its text, with `\n` at the ends of lines. */
  readonly text: string;
}

export interface SmtpServer {
  readonly address: string;
  readonly port: number;
  /** Its certificate, in PEM. */
  readonly ca: string;
  readonly mails: readonly Mail[];
}

/** Starts it on the computer of the tests, where hosts reach it. */
export async function startSmtpBeside(scope: { after(clean: () => void): void }): Promise<SmtpServer> {
  const folder = mkdtempSync(join(tmpdir(), "berth-smtp-"));
  const files = await ownCertificate(folder, besideHosts);
  const [key, cert] = [readFileSync(files.key, "utf8"), readFileSync(files.cert, "utf8")];
  rmSync(folder, { recursive: true });
  const mails: Mail[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on("close", () => open.delete(socket)));
    talk(socket, { key, cert, take: (mail) => mails.push(mail) });
  });
  await new Promise<void>((settle) => server.listen(0, "0.0.0.0", settle));
  scope.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { address: besideHosts, port: (server.address() as AddressInfo).port, ca: cert, mails };
}

interface How {
  readonly key: string;
  readonly cert: string;
  readonly take: (mail: Mail) => void;
}

/** RFC 5321, 3207 and 4954, as far as a client that is well asks for them. */
function talk(plain: Socket, { key, cert, take }: How): void {
  let [line, socket, login]: [string, Socket, string[]] = ["", plain, []];
  let mail = { from: "", to: [] as string[] };
  let lines: string[] | undefined;
  const say = (text: string) => socket.write(`${text}\r\n`);
  const begin = () => {
    socket.setEncoding("utf8");
    socket.on("error", () => {}).on("data", heard);
  };
  const known = () => login.length > 0;

  const orders: Readonly<Record<string, (rest: string) => void>> = {
    EHLO: () => say(socket === plain ? "250-mail.test\r\n250 STARTTLS" : "250-mail.test\r\n250 AUTH PLAIN"),
    HELO: () => say("250 mail.test"),
    STARTTLS: () => {
      say("220 go on");
      plain.removeAllListeners("data");
      socket = new TLSSocket(plain, { isServer: true, key, cert });
      begin();
    },
    AUTH: (rest) => {
      if (socket === plain) return say("538 not without TLS");
      login = Buffer.from(rest.replace(/^PLAIN /i, ""), "base64")
        .toString()
        .split("\0")
        .slice(1);
      return say("235 you are known");
    },
    MAIL: (rest) => {
      if (!known()) return say("530 who are you?");
      mail = { from: addressIn(rest), to: [] };
      return say("250 yes");
    },
    RCPT: (rest) => {
      mail.to.push(addressIn(rest));
      say("250 yes");
    },
    DATA: () => {
      lines = [];
      say("354 end with a dot");
    },
    RSET: () => say("250 yes"),
    NOOP: () => say("250 yes"),
    QUIT: () => {
      say("221 bye");
      socket.end();
    },
  };
  const one = (text: string) => {
    if (lines === undefined) {
      const [order = "", ...rest] = text.split(" ");
      const known = orders[order.toUpperCase()];
      return known ? known(rest.join(" ")) : say("502 no");
    }
    if (text !== ".") return void lines.push(text.replace(/^\./, ""));
    take({ login, ...mail, text: lines.join("\n") });
    lines = undefined;
    return say("250 kept");
  };
  function heard(text: string): void {
    const parts = (line + text).split("\r\n");
    line = parts.pop() ?? "";
    for (const part of parts) one(part);
  }
  begin();
  say("220 mail.test");
}

const addressIn = (rest: string) => /<(.*?)>/.exec(rest)?.[1] ?? "";
