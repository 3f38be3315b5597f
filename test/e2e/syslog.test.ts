// Logs that go to a server of the team's as well: by TLS, to the right one alone; while it is away they wait.
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { makeCertificate } from "../certificates.ts";
import { until } from "../until.ts";
import { withStack } from "./harness.ts";

const name = "logs.example.test";
const port = 6514;
const pair = makeCertificate(name);
const token = '[logtail@11993 source_token="50%-of-a-\\"token\\"]"]';
const open = new Set<Socket>();
let heard = "";
const server = tls.createServer({ cert: `${pair.site}${pair.middle}`, key: pair.key }, (socket) => {
  open.add(socket);
  socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
  socket.on("error", () => {}).once("close", () => open.delete(socket));
});
server.on("tlsClientError", () => {});
const listen = () => new Promise<void>((done) => server.listen(port, "10.219.83.1", done));
const close = () => {
  for (const socket of open) socket.destroy();
  return new Promise<void>((done) => server.close(() => done()));
};

/** The messages of RFC 5424, of which each begins with its length (RFC 6587). */
function messages(): string[] {
  const found: string[] = [];
  let rest = Buffer.from(heard);
  for (;;) {
    const length = /^(\d+) /.exec(rest.subarray(0, 8).toString());
    if (!length) return found;
    const begin = length[0].length;
    found.push(rest.subarray(begin, begin + Number(length[1])).toString());
    rest = rest.subarray(begin + Number(length[1]));
  }
}

/** A server that takes no TLS. */
const plainly = createServer((socket) => socket.on("data", () => socket.end()).on("error", () => {}));

const stack = await withStack({ after }, { deployed: true });
before(listen);
before(() => new Promise<void>((done) => plainly.listen(port + 1, "10.219.83.1", done)));
after(close);
after(() => plainly.close());

test("a server of another name, or of an authority that nobody trusts, is refused by the key that names it", async () => {
  stack.inside(`printf '10.219.83.1 ${name} other.example.test\\n' >>/etc/hosts`);
  const ca = pair.root;
  stack.configure({ syslog: { to: `other.example.test:${port}`, ca, token } });
  const other = await stack.up();
  assert.match(
    other.stdout + other.stderr,
    /syslog\.to: the server at other\.example\.test:6514 shows a certificate of another name/,
  );
  stack.configure({ syslog: { to: `${name}:${port}`, ca: undefined, token } });
  const unknown = await stack.up();
  assert.match(
    unknown.stdout + unknown.stderr,
    /of no authority that this host trusts \(.+\)\. Give the authority's/,
  );
  stack.configure({ syslog: { to: `${name}:${port + 1}`, token } });
  const plain = await stack.up();
  assert.match(plain.stdout + plain.stderr, /the server at logs\.example\.test:6515 does not speak TLS/);
  assert.equal(heard, "", "nothing was sent to any of them");
  assert.equal(stack.inside("systemctl is-active berth-syslog || true").stdout.trim(), "inactive");
});

test("the journal and nginx's logs arrive in the form of RFC 5424, and nothing is written a second time", async () => {
  stack.configure({ syslog: { to: `${name}:${port}`, ca: pair.root, token } });
  await stack.succeed();
  const line = (wanted: RegExp) => messages().find((one) => wanted.test(one));
  // It may not have come to the end of the logs yet, from where on it reads.
  await until(
    "both to arrive",
    async () => {
      await stack.fetch("/health?sent-elsewhere");
      stack.inside("logger -p daemon.warning -t trial 'a line with ü and 100 %'");
      return [/sent-elsewhere/, / trial /].every(line);
    },
    () => heard,
  );
  const head = "2\\d{3}-\\S+ logbook\\.test";
  const data = token.replaceAll(/[[\]\\"%]/g, "\\$&");
  assert.match(
    line(/ trial /) ?? "",
    new RegExp(`^<28>1 ${head} trial (\\d+|-) - ${data} a line with ü and 100 %$`),
  );
  assert.match(
    line(/sent-elsewhere/) ?? "",
    new RegExp(`^<189>1 ${head} nginx - - ${data} .*GET /health\\?sent-elsewhere`),
  );
  assert.equal(
    stack.inside("cat /var/log/syslog 2>/dev/null | grep -c 'a line with' || true").stdout.trim(),
    "0",
  );

  // Who reads them is an account of its own, and what it is known by is root's.
  assert.equal(await stack.on("stat -c '%U %a' /etc/berth/syslog/rsyslog.conf"), "root 600");
  const account = "ps -o user= -p $(systemctl show -P MainPID berth-syslog)";
  assert.match(await stack.on(account), /^(berth-s|\d)/);
});

test("while the server is away logs wait, through a restart as well, and arrive when it is back", async () => {
  const began = stack.inside("date +%s.%N").stdout.trim();
  await close();
  // What is on its way as a connection breaks is nobody's: TCP has taken it already. It notices with the line after that.
  await until("it to notice", () => {
    stack.inside("logger -t gone on its way");
    const said = stack.inside(`journalctl -q -u berth-syslog --since @${began} -o cat`).stdout;
    return /suspend|refused/i.test(said);
  });
  heard = "";
  stack.inside('for number in $(seq 50); do logger -t waits "number $number"; done');
  stack.inside("systemctl restart berth-syslog");
  await listen();
  const arrived = () => messages().filter((one) => / waits /.test(one)).length;
  await until(
    "all to arrive",
    () => arrived() >= 50,
    () => `${arrived()}`,
  );
  assert.equal((await stack.fetch("/health")).status, 200);
});

test("without the key nothing is sent, and nothing of it is left", async () => {
  stack.configure({ syslog: undefined });
  await stack.succeed();
  const left =
    "ls -d /etc/berth/syslog /var/lib/berth-syslog /var/lib/private/berth-syslog 2>/dev/null; systemctl list-units --all --no-legend 'berth-syslog*'";
  assert.equal(await stack.on(`${left} || true`), "");
});
