// The instance metadata service, version 2 only, as a process on the bridge of local hosts: metadata.ts ADDRESS. Who asks
// is told by its address. It also hands on, on the bridge, the moto server's port, which itself listens on the loopback
// interface only. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { all, find, folder, settings, type Thing } from "./cloud.ts";
import { object, text } from "./resource.ts";

interface Token {
  readonly instance: string;
  readonly until: number;
}
const tokens = new Map<string, Token>();
const { moto, region, account } = settings();
const sts = new STSClient({ endpoint: moto.endpoint, region, credentials: moto });

/** Temporary credentials of a role, kept while they are good for another quarter of an hour, as EC2 does. */
const credentials = new Map<string, { answer: string; until: number }>();

async function roleCredentials(role: Thing, instance: Thing): Promise<string> {
  const key = `${role.id} ${instance.id}`;
  const known = credentials.get(key);
  if (known && known.until - Date.now() > 15 * 60_000) return known.answer;
  const answer = await sts.send(
    new AssumeRoleCommand({ RoleArn: text(role.arn), RoleSessionName: instance.id, DurationSeconds: 3600 }),
  );
  const made = answer.Credentials;
  const until = Date.now() + 3600_000;
  const body = JSON.stringify(
    {
      Code: "Success",
      LastUpdated: new Date().toISOString().replace(/\.\d+/, ""),
      Type: "AWS-HMAC",
      AccessKeyId: made?.AccessKeyId,
      SecretAccessKey: made?.SecretAccessKey,
      Token: made?.SessionToken,
      Expiration: new Date(until).toISOString().replace(/\.\d+/, ""),
    },
    null,
    2,
  );
  credentials.set(key, { answer: body, until });
  return body;
}

/** What a path holds; a list for a path that holds others. */
async function lookUp(path: string, instance: Thing): Promise<string | undefined> {
  const profile = find("instance-profiles", text(instance.iamInstanceProfile));
  const role = profile && find("roles", profile.role);
  const address = all("addresses", (one) => one.instanceId === instance.id)[0];
  const facts: Record<string, string | undefined> = {
    "meta-data/instance-id": instance.id,
    "meta-data/ami-id": text(instance.ami),
    "meta-data/instance-type": text(instance.instanceType),
    "meta-data/local-ipv4": text(instance.privateIp),
    "meta-data/public-ipv4": address && text(address.publicIp),
    "meta-data/placement/availability-zone": text(instance.availabilityZone),
    "meta-data/placement/region": region,
    "meta-data/iam/info":
      profile && JSON.stringify({ Code: "Success", InstanceProfileArn: text(profile.arn) }),
    "meta-data/iam/security-credentials": role?.id,
    "meta-data/iam/security-credentials/": role?.id,
    "user-data": text(instance.userData) || undefined,
    "dynamic/instance-identity/document": JSON.stringify({
      accountId: account,
      architecture: text(instance.architecture),
      availabilityZone: text(instance.availabilityZone),
      imageId: text(instance.ami),
      instanceId: instance.id,
      instanceType: text(instance.instanceType),
      privateIp: text(instance.privateIp),
      region,
    }),
  };
  if (role && path === `meta-data/iam/security-credentials/${role.id}`)
    return roleCredentials(role, instance);
  const parents = Object.keys(facts)
    .filter((name) => facts[name] !== undefined && name.startsWith(path.endsWith("/") ? path : `${path}/`))
    .map((name) => name.slice(path.replace(/\/$/, "").length + 1).replace(/\/.*$/, "/"));
  return facts[path] ?? (parents.length > 0 ? [...new Set(parents)].sort().join("\n") : undefined);
}

async function respond(request: http.IncomingMessage): Promise<{ status: number; body: string }> {
  const from = request.socket.remoteAddress;
  const instance = all("instances", (one) => one.privateIp === from && one.instanceState === "running")[0];
  if (!instance || object(instance.metadataOptions).httpEndpoint === "disabled")
    return { status: 403, body: "" };
  if (request.url === "/latest/api/token") {
    const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
    if (request.method !== "PUT") return { status: 405, body: "" };
    if (!(seconds >= 1 && seconds <= 21600) || request.headers["x-forwarded-for"])
      return { status: 400, body: "" };
    const token = randomBytes(40).toString("base64");
    tokens.set(token, { instance: instance.id, until: Date.now() + seconds * 1000 });
    return { status: 200, body: token };
  }
  const token = tokens.get(`${request.headers["x-aws-ec2-metadata-token"]}`);
  const isGood = token !== undefined && token.instance === instance.id && token.until > Date.now();
  const isOptional =
    object(instance.metadataOptions).httpTokens === "optional" &&
    request.headers["x-aws-ec2-metadata-token"] === undefined;
  if (!isGood && !isOptional) return { status: 401, body: "" };
  const path = /^\/(latest|2\d{3}-\d\d-\d\d)\/(.+)$/.exec(request.url ?? "")?.[2];
  const body = path === undefined ? undefined : await lookUp(path, instance);
  return body === undefined ? { status: 404, body: "" } : { status: 200, body };
}

const address = process.argv[2] ?? "";
const service = http.createServer((request, response) => {
  respond(request).then(
    ({ status, body }) => response.writeHead(status, { "content-type": "text/plain" }).end(body),
    (error: Error) => {
      console.error(error.message);
      response.writeHead(500).end();
    },
  );
});
const { hostname, port } = new URL(moto.endpoint);
const handedOn = net.createServer((incoming) => {
  const outgoing = net.connect(Number(port), hostname);
  const end = () => [incoming, outgoing].map((socket) => socket.destroy());
  incoming.on("error", end).on("close", end).pipe(outgoing).on("error", end).on("close", end).pipe(incoming);
});

handedOn.listen(Number(port), address, () =>
  service.listen(0, address, () => {
    const listening = service.address() as net.AddressInfo;
    writeFileSync(join(folder, "metadata.new"), JSON.stringify({ pid: process.pid, port: listening.port }));
    renameSync(join(folder, "metadata.new"), join(folder, "metadata.json"));
  }),
);
// It starts a moment before the first instance is written down as running.
let seen = false;
setInterval(() => {
  const some = existsSync(folder) && all("instances").length > 0;
  seen ||= some;
  if (!existsSync(folder) || (seen && !some)) process.exit();
}, 1000);
