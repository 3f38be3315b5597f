// Stands between the real aws plugin and a moto server, and notes of each request what the caller would have to be
// allowed for it.
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { actionsOf, type Bearing, type Uses } from "../deploying-role.ts";

export interface Recorder {
  /** Where the plugin's requests go. */
  readonly endpoint: string;
  /** Has the next request for an operation refused by AWS, with this code. */
  refuse(operation: string, code: string): void;
  /** What they needed so far, in an order that stays. */
  uses(): Uses;
}

interface Call {
  readonly service: string;
  readonly operation: string;
  readonly values: URLSearchParams;
  readonly path: string;
  readonly text: string;
}

/** The account and region that docs/deploying-role.json is written for. */
const here = "eu-central-1:123456789012";

/** The kinds of EC2's that have ARNs, by the beginning of their ids. */
const kinds: Readonly<Record<string, string>> = {
  vpc: "vpc",
  subnet: "subnet",
  igw: "internet-gateway",
  nat: "natgateway",
  rtb: "route-table",
  sg: "security-group",
  sgr: "security-group-rule",
  eipalloc: "elastic-ip",
  key: "key-pair",
  i: "instance",
  vol: "volume",
  ami: "image",
};

/** What an action makes, which is authorized as well. */
const makes: Readonly<Record<string, readonly string[]>> = {
  CreateVpc: ["vpc"],
  CreateSubnet: ["subnet"],
  CreateInternetGateway: ["internet-gateway"],
  CreateRouteTable: ["route-table"],
  CreateNatGateway: ["natgateway"],
  CreateSecurityGroup: ["security-group"],
  AuthorizeSecurityGroupIngress: ["security-group-rule"],
  AuthorizeSecurityGroupEgress: ["security-group-rule"],
  ImportKeyPair: ["key-pair"],
  AllocateAddress: ["elastic-ip"],
  CreateVolume: ["volume"],
  RunInstances: ["instance", "volume", "network-interface"],
};

/** Of actions that take more ids, the kinds that they are authorized on. */
const judged: Readonly<Record<string, readonly string[]>> = {
  CreateRoute: ["route-table"],
  RevokeSecurityGroupIngress: ["security-group"],
  RevokeSecurityGroupEgress: ["security-group"],
};

/** Of actions that take the id of a link, which has no ARN, what is linked. */
const linked: Readonly<Record<string, readonly (readonly [string, Bearing])[]>> = {
  AssociateAddress: [["network-interface", "other"]],
  DisassociateAddress: [
    ["elastic-ip", "own"],
    ["network-interface", "other"],
  ],
  DisassociateRouteTable: [
    ["route-table", "own"],
    ["subnet", "own"],
  ],
};

/** What is read of one thing alone, so that it can be withheld for others'. All other reading is of everything. */
const withheld = ["DescribeInstanceAttribute"];

const ids = (text: string) =>
  [...text.matchAll(/\b([a-z]+)-[0-9a-f]{8,17}\b/g)].flatMap(([id, prefix]) => {
    const kind = kinds[prefix as string];
    return kind === undefined ? [] : [{ id, kind }];
  });

const ec2Arn = (kind: string) =>
  kind === "image" ? "arn:aws:ec2:eu-central-1::image/*" : `arn:aws:ec2:${here}:${kind}/*`;

/** The operation, and where it is that the values are. */
function callOf(method: string, url: string, headers: IncomingHttpHeaders, text: string): Call {
  const { pathname: path, searchParams } = new URL(url, "http://aws");
  const signed = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(`${headers.authorization}`)?.[1] ?? "";
  const service = signed === "monitoring" ? "cloudwatch" : signed;
  const form = new URLSearchParams(text);
  const target = /^[^.]+\.(\w+)$/.exec(`${headers["x-amz-target"]}`)?.[1];
  const rpc = /\/operation\/(\w+)$/.exec(path)?.[1];
  const operation =
    service === "s3"
      ? s3Operation(method, path, searchParams)
      : service === "route53"
        ? route53Operation(method, path)
        : (target ?? rpc ?? form.get("Action"));
  if (service === "" || !operation) throw new Error(`what is ${method} ${url} ${text.slice(0, 200)}?`);
  return { service, operation, values: form, path, text };
}

/** What follows Get, Put and Delete in the names of the operations of a bucket. */
const parts: Readonly<Record<string, string>> = {
  abac: "BucketAbac",
  accelerate: "BucketAccelerateConfiguration",
  acl: "BucketAcl",
  cors: "BucketCors",
  encryption: "BucketEncryption",
  lifecycle: "BucketLifecycleConfiguration",
  location: "BucketLocation",
  logging: "BucketLogging",
  "object-lock": "ObjectLockConfiguration",
  ownershipControls: "BucketOwnershipControls",
  policy: "BucketPolicy",
  publicAccessBlock: "PublicAccessBlock",
  replication: "BucketReplication",
  requestPayment: "BucketRequestPayment",
  tagging: "BucketTagging",
  versioning: "BucketVersioning",
  website: "BucketWebsite",
};

const verbs: Readonly<Record<string, string>> = {
  GET: "Get",
  HEAD: "Head",
  PUT: "Put",
  POST: "Put",
  DELETE: "Delete",
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html */
function s3Operation(method: string, path: string, query: URLSearchParams): string {
  const verb = verbs[method] as string;
  const part = Object.keys(parts).find((name) => query.has(name));
  if (path === "/") return "ListBuckets";
  if (part !== undefined) {
    const operation = verb + parts[part];
    return operation === "DeleteBucketLifecycleConfiguration" ? "DeleteBucketLifecycle" : operation;
  }
  if (/^\/[^/]+\/./.test(path)) return `${verb}Object`;
  if (query.has("versions")) return "ListObjectVersions";
  if (query.has("delete")) return "DeleteObjects";
  if (method === "GET") return "ListObjectsV2";
  return method === "PUT" ? "CreateBucket" : `${verb}Bucket`;
}

/** https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html */
function route53Operation(method: string, path: string): string | undefined {
  const place = path.replace(/^\/2013-04-01\//, "").replace(/\/$/, "");
  const known: readonly (readonly [string, RegExp, string])[] = [
    ["GET", /^hostedzone$/, "ListHostedZones"],
    ["GET", /^hostedzonesbyname$/, "ListHostedZonesByName"],
    ["GET", /^hostedzone\/[^/]+$/, "GetHostedZone"],
    ["GET", /^hostedzone\/[^/]+\/rrset$/, "ListResourceRecordSets"],
    ["POST", /^hostedzone\/[^/]+\/rrset$/, "ChangeResourceRecordSets"],
    ["GET", /^change\/[^/]+$/, "GetChange"],
    ["GET", /^tags\/hostedzone\/[^/]+$/, "ListTagsForResource"],
  ];
  return known.find(([how, where]) => how === method && where.test(place))?.[2];
}

/** The action that putting tags on what is being made needs beside the one that makes it. */
const tagging: Readonly<Record<string, string>> = {
  CreateRole: "iam:TagRole",
  CreateUser: "iam:TagUser",
  CreateInstanceProfile: "iam:TagInstanceProfile",
  CreateTopic: "sns:TagResource",
  PutMetricAlarm: "cloudwatch:TagResource",
  CreateSecret: "secretsmanager:TagResource",
  PutParameter: "ssm:AddTagsToResource",
  CreateBucket: "s3:TagResource",
};

/** The resources of the services that tell them by names of ours. */
function namedResources(call: Call, own: (name: string) => string): string[] {
  const { service, operation, values, path, text } = call;
  const json = () => JSON.parse(text) as Record<string, string>;
  const value = (key: string) => (text.startsWith("{") ? json()[key] : values.get(key)) ?? "";
  const afterColon = (arn: string) => arn.split(":").at(-1) as string;
  switch (service) {
    case "iam": {
      const kind = value("InstanceProfileName") ? "InstanceProfile" : value("UserName") ? "User" : "Role";
      const place = kind === "InstanceProfile" ? "instance-profile" : kind.toLowerCase();
      return [`arn:aws:iam::123456789012:${place}/${own(value(`${kind}Name`))}`];
    }
    case "s3":
      if (path === "/") return ["*"];
      return [
        `arn:aws:s3:::${own(decodeURIComponent(path).split("/")[1] as string)}${/Object(s)?$/.test(operation) ? "/*" : ""}`,
      ];
    case "route53":
      return [
        /(hostedzone|change)\/./.test(path)
          ? `arn:aws:route53:::${/(hostedzone|change)\/./.exec(path)?.[1]}/*`
          : "*",
      ];
    case "sns":
      return [`arn:aws:sns:${here}:${own(value("Name") || topicIn(value))}`];
    case "cloudwatch":
      if (operation.startsWith("Describe")) return ["*"];
      return [`arn:aws:cloudwatch:${here}:alarm:${own(alarmIn(call))}`];
    case "secretsmanager":
      return [`arn:aws:secretsmanager:${here}:secret:${own(value("Name") || afterColon(value("SecretId")))}`];
    case "ssm":
      if (operation.startsWith("Describe")) return ["*"];
      return [`arn:aws:ssm:${here}:parameter${own(value("Name") || value("ResourceId"))}`];
    default:
      return ["*"];
  }
}

/** Of a subscription's ARN as well: it is the topic's and one part more. */
const topicIn = (value: (key: string) => string) =>
  `${(value("TopicArn") || value("ResourceArn") || value("SubscriptionArn")).split(":")[5]}`;

function alarmIn({ values, text }: Call): string {
  const name = values.get("AlarmName") ?? values.get("AlarmNames.member.1") ?? values.get("ResourceARN");
  const json = text.startsWith("{") ? JSON.parse(text) : {};
  const found: string = name ?? json.AlarmName ?? json.AlarmNames?.[0] ?? json.ResourceARN ?? "";
  return found.split(":").at(-1) as string;
}

/** Passes what the plugin says on to moto, until the scope ends. */
export async function record(
  scope: { after(clean: () => Promise<void>): void },
  moto: string,
  project: string,
): Promise<Recorder> {
  const noted = new Map<string, Set<string>>();
  /** The ids of what has the project's tag. */
  const ours = new Set<string>();
  const faults: string[] = [];
  const refusals = new Map<string, string>();
  const note = (action: string, resource: string, bearing: Bearing) => {
    const uses = noted.get(action) ?? new Set();
    noted.set(action, uses.add(`${resource} ${bearing}`));
  };
  /** A name of the project's is told as `berth-*`, which is what the document has. */
  const own = (name: string) => {
    const begin = [`${project}-`, `/${project}/`].find((one) => name.startsWith(one));
    return begin === undefined ? name : `${begin.replace(project, "berth")}*`;
  };

  const noteEc2 = ({ operation, values, text }: Call, answer: string) => {
    const action = `ec2:${operation}`;
    if (actionsOf(action).length === 0) return;
    if (/^(Describe|Get)/.test(operation) && !withheld.includes(operation)) return note(action, "*", "own");
    const has = (tags: string) =>
      [...values].some(([key, value]) => key.startsWith(tags) && key.endsWith(".Key") && value === "project");
    const tagged = [...values].flatMap(([key, kind]) => {
      const specification = /^(TagSpecification\.\d+\.)ResourceType$/.exec(key)?.[1];
      return specification !== undefined && has(specification) ? [kind] : [];
    });
    const keyPair = values.get("KeyName") ?? "";
    const touched = ids(decodeURIComponent(text));
    if (keyPair && operation !== "ImportKeyPair") touched.push({ id: keyPair, kind: "key-pair" });
    for (const { id, kind } of touched) {
      if (!(judged[operation]?.includes(kind) ?? true)) continue;
      const foreign = operation === "CreateTags" && !has("Tag.") ? "untagged" : "other";
      note(action, ec2Arn(kind), ours.has(id) ? "own" : foreign);
      if (operation === "CreateTags" && has("Tag.")) ours.add(id);
    }
    for (const [kind, bearing] of linked[operation] ?? []) note(action, ec2Arn(kind), bearing);
    for (const kind of makes[operation] ?? []) {
      note(action, ec2Arn(kind), tagged.includes(kind) ? "tagged" : "untagged");
      if (!tagged.includes(kind)) continue;
      note("ec2:CreateTags", ec2Arn(kind), "tagged");
      for (const made of ids(answer)) if (made.kind === kind) ours.add(made.id);
      if (kind === "key-pair") ours.add(keyPair);
    }
    if (!noted.has(action)) faults.push(`what does ${action} bear on? ${text}`);
  };

  const noteCall = (call: Call, answer: string) => {
    const { service, operation, text, values } = call;
    if (service === "ec2") {
      noteEc2(call, answer);
    } else {
      for (const resource of namedResources(call, own)) {
        for (const action of actionsOf(`${service}:${operation}`)) {
          if (action !== "iam:PassRole") note(action, resource, "own");
        }
        const tags = tagging[operation];
        if (tags && /\bTags?\b/.test(text)) note(tags, resource, "own");
      }
    }
    const passed =
      operation === "RunInstances"
        ? values.get("IamInstanceProfile.Name")
        : operation === "AddRoleToInstanceProfile"
          ? values.get("RoleName")
          : undefined;
    if (passed) note("iam:PassRole", `arn:aws:iam::123456789012:role/${own(passed)}`, "own");
  };

  const server = createServer(async (asked, answering) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "", url = "", headers } = asked;
    const { operation } = callOf(method, url, headers, body.toString("latin1"));
    const refusal = refusals.get(operation);
    if (refusal !== undefined) {
      refusals.delete(operation);
      answering.writeHead(400, { "Content-Type": "text/xml" });
      answering.end(
        `<Response><Errors><Error><Code>${refusal}</Code><Message>refused by the test</Message></Error></Errors><RequestID>1</RequestID></Response>`,
      );
      return;
    }
    const passing = request(`${moto}${url}`, { method, headers }, async (answer) => {
      const told: Buffer[] = [];
      for await (const chunk of answer) told.push(chunk);
      const text = Buffer.concat(told);
      try {
        noteCall(callOf(method, url, headers, body.toString("latin1")), text.toString("latin1"));
      } catch (error) {
        faults.push(`${error}`);
      }
      answering.writeHead(answer.statusCode ?? 502, answer.headers);
      answering.end(text);
    });
    passing.on("error", (error) => answering.writeHead(502).end(`${error}`));
    passing.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refuse: (operation, code) => refusals.set(operation, code),
    uses() {
      if (faults.length > 0) throw new Error(`requests that are not understood:\n${faults.join("\n")}`);
      return Object.fromEntries([...noted].sort().map(([action, uses]) => [action, [...uses].sort()]));
    },
  };
}
