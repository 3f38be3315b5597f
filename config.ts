import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import { z } from "zod";

const fqdn = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const account = /^[a-z][a-z0-9-]{0,30}$/;
const publicKey =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/=]+( .*)?$/;
const pythonName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

const domainName = z.string().regex(fqdn, {
  error: "expected a domain name in lower case with at least one dot, such as shop.example.org",
});
const accountName = z.string().regex(account, {
  error: "expected a Linux account name: a lower-case letter, then letters, digits or hyphens, 31 at most",
});
const hostKeySchema = z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]+( .*)?$/, {
  error: "expected an ed25519 public key, 'ssh-ed25519 AAAA…': 'ssh-keyscan -t ed25519 ADDRESS' shows it",
});
const cidr = z
  .string()
  .refine(isCidr, { error: "expected a network, such as 203.0.113.0/24 or 2001:db8::/32" });
const address = z.string().refine((value) => isIP(value) !== 0 || fqdn.test(value), {
  error: "expected an IP address or a domain name",
});
const port = z.int().min(1).max(65535);

const settingName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: "expected the name of an environment variable: letters, digits and underscores",
});

const everyHost = {
  timezone: z
    .string()
    .regex(/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/, {
      error: "expected a name of the tz database, such as Europe/Berlin",
    })
    .default("UTC")
    .describe("The time zone of the host. Nightly security upgrades run at 02:00 in it."),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}_[A-Z]{2}\.UTF-8$/, { error: "expected a UTF-8 locale, such as en_US.UTF-8" })
    .default("en_US.UTF-8")
    .describe("The locale of the host and of the database."),
  sshFrom: z
    .array(cidr)
    .default(["0.0.0.0/0", "::/0"])
    .describe("Networks from which the firewall lets SSH in. It must hold the one from which you run Berth."),
};

const hostSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("local"),
      memory: z.int().min(512).default(2048).describe("Memory of the machine, in MiB."),
      disk: z.int().min(3).default(20).describe("Size of the machine's disk, in GiB; it takes what it uses."),
      ...everyHost,
    })
    .describe("A Debian 13 machine on this computer; `pulumi up` makes it, `pulumi destroy` removes it."),
  z
    .strictObject({
      kind: z.literal("existing"),
      address: address.describe("Where its SSH answers: an IP address or a name."),
      port: port.default(22).describe("The port of its SSH."),
      user: z
        .string()
        .min(1)
        .default("root")
        .describe("The account to log in with: root, or one with sudo without a password."),
      hostKey: hostKeySchema.describe("Its ed25519 host key. Berth talks to no machine that shows another."),
      privateKeyFile: z
        .string()
        .optional()
        .describe(
          "Path of the private key to log in with. Without it and without `privateKey` the SSH agent is asked.",
        ),
      privateKey: z.string().optional().describe("The private key itself, as a secret of the stack."),
      ...everyHost,
    })
    .describe("A machine that you have."),
  z
    .strictObject({
      kind: z.literal("ec2"),
      region: z
        .string()
        .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "expected an AWS region, such as eu-central-1" })
        .describe("The AWS region."),
      instanceType: z
        .string()
        .regex(/^[a-z0-9-]+\.[a-z0-9]+$/, { error: "expected an EC2 instance type, such as t4g.small" })
        .describe("The EC2 instance type; it decides between arm64 and x86_64."),
      dataVolume: z
        .int()
        .min(8)
        .default(20)
        .describe("Size of the volume for everything that must survive, in GiB."),
      ...everyHost,
    })
    .describe("An EC2 instance."),
]);

const siteSchema = z.strictObject({
  domain: domainName
    .optional()
    .describe(
      "The site's domain name, and the host's fully qualified name. Without it the site answers at the host's address.",
    ),
  aliases: z.array(domainName).default([]).describe("More names under which the site answers."),
  tls: z
    .enum(["self-signed", "off"])
    .default("self-signed")
    .describe(
      "`self-signed`: HTTPS with a certificate made by the stack; HTTP is sent on to HTTPS. `off`: HTTP only.",
    ),
  maxBody: z
    .int()
    .min(1)
    .default(25)
    .describe("The largest request that is taken, uploads included, in MiB."),
  timeout: z.int().min(1).default(60).describe("How long a request may take, in seconds."),
});

const directorySource = z.strictObject({
  directory: z
    .string()
    .min(1)
    .describe("Path of the application's directory, from the directory of Pulumi.yaml."),
});
const gitSource = z.strictObject({
  git: z
    .string()
    .regex(/^(https:\/\/|ssh:\/\/|[\w.-]+@[\w.-]+:)\S+$/, {
      error: "expected a git URL: https://…, ssh://… or git@host:path",
    })
    .describe(
      "URL of the repository. One that is reached by SSH is read with a deploy key that Berth makes.",
    ),
  ref: z.string().min(1).default("HEAD").describe("Branch, tag or full commit id."),
  path: z
    .string()
    .regex(/^(\.|[\w.-]+(\/[\w.-]+)*)$/, { error: "expected a relative path without a slash at its ends" })
    .default(".")
    .describe("The application's directory in the repository."),
  hostKey: hostKeySchema
    .optional()
    .describe(
      "Host key of the git server, for a URL that is reached by SSH. Known for github.com and gitlab.com.",
    ),
});

const appSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,22}$/, {
      error: "expected a lower-case letter, then letters, digits or hyphens, 23 at most",
    })
    .default("app")
    .describe("Name of the application: of its service account, its systemd units, its database."),
  source: z.union([directorySource, gitSource]).describe("Where the application's code comes from."),
  owner: accountName
    .default("deployer")
    .describe(
      "The account that owns the application's files. Services run as others and cannot change them.",
    ),
  root: z
    .string()
    .regex(/^\/[\w./-]+$/, { error: "expected an absolute path" })
    .optional()
    .describe("The application's directory on the host. Default: /srv/NAME."),
  python: z
    .string()
    .regex(/^3\.\d+$/, { error: 'expected a Python version in quotes, such as "3.13"' })
    .optional()
    .describe("The Python that the application needs. Default: the host's own (3.13 on Debian 13)."),
  packages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, { error: "expected the name of a Debian package" }))
    .default([])
    .describe("More Debian packages that the application needs, such as libxml2-dev."),
  wsgi: z
    .string()
    .regex(/^[\w.]+(:\w+)?$/, { error: "expected MODULE:CALLABLE, such as shop.wsgi:application" })
    .transform((value) => (value.includes(":") ? value : `${value}:application`))
    .describe("The WSGI application, `MODULE:CALLABLE`; the callable is `application` when it is not named."),
  settings: z
    .string()
    .regex(pythonName, { error: "expected a Python module, such as shop.settings" })
    .optional()
    .describe(
      "Django's settings module. With it the release migrates the database and collects the static files.",
    ),
  requirements: z
    .string()
    .optional()
    .describe(
      "The file that names the dependencies. Default: uv.lock, poetry.lock, requirements.txt or pyproject.toml, the first there is.",
    ),
  static: z
    .string()
    .optional()
    .describe(
      "Directory of static files inside the release that nginx serves under /static/. Default: for Django what collectstatic gathers; otherwise none.",
    ),
  env: z
    .record(settingName, z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe("Settings of the application that are not secret."),
  secrets: z
    .record(settingName, z.string())
    .default({})
    .describe("Settings that are secret: `pulumi config set --secret --path 'berth:app.secrets.NAME'`."),
  health: z
    .string()
    .regex(/^\/\S*$/, { error: "expected a path that begins with /" })
    .default("/")
    .describe(
      "The path that answers 200 when the application is well. A release that is not well does not go live.",
    ),
  workers: z.int().min(1).max(64).default(2).describe("How many gunicorn worker processes serve requests."),
});

const postgresSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether the application has a database."),
  version: z
    .int()
    .refine((value) => value === 17, {
      error:
        "expected 17. Berth does not move a database from one major version to another: dump it, make a new stack, load it there",
    })
    .default(17)
    .describe("The major version of PostgreSQL. A change of it is refused: its data must be moved by hand."),
  database: accountName.optional().describe("Name of the database. Default: the application's name."),
  role: accountName.optional().describe("Name of the role that owns it. Default: the application's name."),
});

const redisSchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Whether the application has a Redis."),
  memory: z.int().min(16).default(128).describe("The most memory its data may take, in MiB."),
  policy: z
    .enum(["noeviction", "allkeys-lru", "volatile-lru"])
    .default("noeviction")
    .describe("What happens when the memory is full. A queue needs `noeviction`: anything else loses tasks."),
});

const adminSchema = z.strictObject({
  name: accountName.describe("Name of the account."),
  keys: z
    .array(z.string().regex(publicKey, { error: "expected an SSH public key, as in ~/.ssh/id_ed25519.pub" }))
    .min(1)
    .describe("Public keys that may log in."),
});

/** The whole configuration of a stack, under the namespace `berth:`. */
export const configSchema = z.strictObject({
  host: hostSchema.describe("The machine that everything runs on."),
  site: siteSchema.prefault({}).describe("How the site is reached."),
  app: appSchema.describe("The application."),
  postgres: postgresSchema.prefault({}).describe("The database, PostgreSQL."),
  redis: redisSchema.prefault({}).describe("The cache, the session store and the queue, Redis."),
  admins: z
    .array(adminSchema)
    .default([])
    .describe(
      "People who administer the host: one account each, with sudo. One that is taken out is locked.",
    ),
});

export type Config = z.output<typeof configSchema>;
export type HostConfig = Config["host"];

/**
 * Reads and checks the stack's configuration.
 *
 * @throws {pulumi.RunError} naming every fault at once: the key, what was found, what is expected.
 */
export function readConfig(): Config {
  return parseConfig(pulumi.runtime.allConfig(), pulumi.getStack());
}

/** {@link readConfig} for values at hand: texts by `berth:KEY`, structured ones in JSON. */
export function parseConfig(values: Readonly<Record<string, string>>, stack: string): Config {
  const namespace = "berth:";
  const raw = Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(namespace))
      .map(([key, value]) => [key.slice(namespace.length), structured(value)]),
  );
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (result.success) {
    return result.data;
  }
  const faults = result.error.issues.flatMap((issue) => describeIssue(issue, raw));
  throw new pulumi.RunError(
    [
      `The configuration of stack '${stack}' (Pulumi.${stack}.yaml) has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`,
      ...faults.map((fault) => `  ${fault}`),
      "Every key is described in docs/configuration.md.",
    ].join("\n"),
  );
}

function structured(value: string): unknown {
  if (!/^[[{"]|^(true|false|-?\d+)$/.test(value)) {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

type Issue = z.core.$ZodIssue;

function describeIssue(issue: Issue, raw: unknown): string[] {
  if (issue.code === "unrecognized_keys") {
    const allowed = keysAt(issue.path, raw);
    return issue.keys.map((key) => {
      const near = allowed.length > 0 ? closest(key, allowed) : undefined;
      const hint = near === undefined ? "" : ` Did you mean '${near}'? There is: ${allowed.join(", ")}.`;
      return `${keyPath([...issue.path, key])}: there is no such key.${hint}`;
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return describeUnion(issue, raw);
  }
  return [`${keyPath(issue.path)}: ${expectation(issue)}; found ${found(issue)}`];
}

/** Of a union's alternatives the one that the user was nearest to: it has the fewest faults with its keys. */
function describeUnion(issue: Issue & { code: "invalid_union" }, raw: unknown): string[] {
  const weight = (faults: readonly Issue[]) =>
    faults.reduce((sum, fault) => sum + (fault.code === "unrecognized_keys" ? 10 * fault.keys.length : 1), 0);
  const nearest = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? [];
  if (nearest.every((fault) => fault.path.length === 0 && fault.code === "invalid_type")) {
    const kinds = issue.errors.flat().map((fault) => expectation(fault).replace(/^expected /, ""));
    return [`${keyPath(issue.path)}: expected ${[...new Set(kinds)].join(" or ")}; found ${found(issue)}`];
  }
  return nearest.flatMap((fault) =>
    describeIssue({ ...fault, path: [...issue.path, ...fault.path] } as Issue, raw),
  );
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeName(issue.expected)}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_union":
      return `expected ${kindsOf(issue)
        .map((kind) => JSON.stringify(kind))
        .join(" or ")}`;
    case "too_small":
      return `expected ${issue.origin === "array" ? `${issue.minimum} or more entries` : `${issue.minimum} or more`}`;
    case "too_big":
      return `expected ${issue.maximum} at most`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "expected another name";
    default:
      return issue.message;
  }
}

function typeName(type: string): string {
  const names: Record<string, string> = {
    string: "a text (put it in quotes)",
    int: "a whole number",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "a group of keys",
    record: "a group of keys",
  };
  return names[type] ?? type;
}

function found(issue: Issue): string {
  if (issue.path.some((part) => part === "secrets" || part === "privateKey")) {
    return "a secret of the wrong form";
  }
  // Of a kind that does not exist the issue holds the whole group.
  return described(kindsOf(issue).length > 0 ? property(issue.input, issue.path.at(-1)) : issue.input);
}

/** Where a group's kind decides what else is in it: the kinds there are. */
function kindsOf(issue: Issue): readonly unknown[] {
  return "options" in issue && Array.isArray(issue.options) ? issue.options : [];
}

function property(value: unknown, name: PropertyKey | undefined): unknown {
  return name === undefined ? value : (value as Record<PropertyKey, unknown> | undefined)?.[name];
}

/** A value as an error shows it. What is inside of lists and groups stays there: it may be secret. */
function described(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  }
  if (typeof value === "object" && value !== null) {
    return `a group with ${Object.keys(value).join(", ") || "no keys"}`;
  }
  if (value === undefined) {
    return "nothing: the key is required";
  }
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

function keyPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return `berth:${parts.join("").replace(/^\./, "")}`;
}

/** The keys that the schema knows at a path, for the alternative of a union that the value has chosen. */
function keysAt(path: readonly PropertyKey[], raw: unknown): string[] {
  let schema: z.core.$ZodType | undefined = configSchema;
  let value: unknown = raw;
  for (const part of [...path, undefined]) {
    schema = plain(schema, value);
    if (part === undefined || schema === undefined) {
      break;
    }
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    if (schema instanceof z.ZodObject) {
      schema = (schema.shape as Record<string, z.core.$ZodType>)[String(part)];
    } else if (schema instanceof z.ZodArray) {
      schema = schema.element as z.core.$ZodType;
    } else {
      schema = undefined;
    }
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function plain(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return plain(schema.def.innerType, value);
  }
  if (schema instanceof z.ZodUnion || schema instanceof z.ZodDiscriminatedUnion) {
    const keys = new Set(Object.keys((value ?? {}) as object));
    const kind = (value as { kind?: unknown } | undefined)?.kind;
    return (schema.options as z.ZodObject[]).find((option) => {
      const literal = option.shape.kind;
      return literal instanceof z.ZodLiteral
        ? literal.value === kind
        : Object.keys(option.shape).some((key) => keys.has(key));
    });
  }
  return schema;
}

function isCidr(value: string): boolean {
  const [ip = "", bits = "", rest] = value.split("/");
  const family = isIP(ip);
  return (
    rest === undefined && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}
