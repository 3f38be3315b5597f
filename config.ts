import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { checkSchema } from "./components/app/check-schema.ts";
import { fileFaults } from "./components/app/files.ts";
import { filesSchema } from "./components/app/files-schema.ts";
import { onceSchema } from "./components/app/once-schema.ts";
import {
  hasBeat,
  kindNames,
  kindOf,
  oneBeat,
  processNamePattern,
  reservedNames,
  withoutBeat,
} from "./components/app/processes.ts";
import { referenceFaults, referenceNames } from "./components/app/references.ts";
import { lastDay } from "./components/aws/permission.ts";
import { firstHost } from "./components/host/host.ts";
import { describeIssue } from "./config-faults.ts";

// Every schema is used once; to compile them first would take longer than to use them as they are.
z.config({ jitless: true });

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
const sshKey = z
  .string()
  .regex(publicKey, { error: "expected an SSH public key, as in ~/.ssh/id_ed25519.pub" });
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

const anywhere = ["0.0.0.0/0", "::/0"];

const privateAddress = z
  .string()
  .refine((value) => isIP(value) !== 0, { error: "expected an IP address" })
  .optional()
  .describe(
    "The IP address at which the stack's other hosts reach it, where that is not `address`; see docs/hosts.md.",
  );

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
};
const sshFrom = z
  .array(cidr)
  .default(anywhere)
  .describe("Networks from which the firewall lets SSH in. It must hold the one from which you run Berth.");

const awsRegion = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "expected an AWS region, such as eu-central-1" });
const vpcId = awsId("vpc", "a VPC");
const subnetIds = z.array(awsId("subnet", "a subnet")).min(1);

/** The id that EC2 gives to a thing of one kind: `PREFIX-` and 8 or 17 hexadecimal digits. */
function awsId(prefix: string, kind: string) {
  return z.string().regex(new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`), {
    error: `expected the id of ${kind}, such as ${prefix}-0123456789abcdef0`,
  });
}

const networkSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("default") }).describe("The account's default VPC."),
  z
    .strictObject({
      kind: z.literal("given"),
      vpc: vpcId.describe("Id of the VPC."),
      subnets: subnetIds.describe("Ids of its public subnets; the host is in the first."),
      privateSubnets: subnetIds.optional().describe("Ids of its private subnets."),
    })
    .describe("A VPC that you have."),
  z
    .strictObject({
      kind: z.literal("own"),
      cidr: cidr
        .default("10.0.0.0/16")
        .describe("Its IPv4 network, /16 to /24; it is divided among the subnets."),
      privateSubnets: z.boolean().default(false).describe("Whether it has private subnets, too."),
      natGateway: z
        .boolean()
        .default(false)
        .describe("Whether they reach the internet, through a NAT gateway. It is paid by the hour."),
    })
    .describe("A VPC of the stack's own, in two zones."),
]);

const localHost = z
  .strictObject({
    kind: z.literal("local"),
    memory: z.int().min(512).default(2048).describe("Memory of the machine, in MiB."),
    disk: z.int().min(3).default(20).describe("Size of the machine's disk, in GiB; it takes what it uses."),
    ...everyHost,
    sshFrom,
  })
  .describe("A Debian 13 machine on this computer; `pulumi up` makes it, `pulumi destroy` removes it.");

const existingHost = z
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
    privateAddress,
    ...everyHost,
    sshFrom,
  })
  .describe("A machine that you have.");

const everyInstance = {
  instanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: "expected an EC2 instance type, such as t4g.small" })
    .describe("The EC2 instance type; it decides between arm64 and x86_64. A change stops and starts."),
  image: awsId("ami", "a machine image")
    .optional()
    .describe(
      "The Debian 13 image to run; another one replaces the instance. Default: the newest there is when the instance is made; the output `imageOffer` names a newer one.",
    ),
  rootVolume: z
    .int()
    .min(8)
    .default(12)
    .describe("Size of the volume for the system, in GiB. It goes with the instance."),
};
const reach = z
  .strictObject({
    address: address.describe("Where the tunnel begins: an IP address or a name."),
    port: port.describe("Its port."),
  })
  .optional()
  .describe(
    "A tunnel to the instance's port 22, such as one by `connectEndpoint`. Default: its public address.",
  );

const ec2Host = z
  .strictObject({
    kind: z.literal("ec2"),
    region: awsRegion.describe("The AWS region."),
    ...everyInstance,
    dataVolume: z
      .int()
      .min(8)
      .default(20)
      .describe("Size of the volume for everything that must survive, in GiB. It can only grow."),
    network: networkSchema.prefault({ kind: "default" }).describe("The network that the instance is in."),
    ...everyHost,
    sshFrom: z
      .array(cidr)
      .default([])
      .describe(
        "Networks from which SSH is let in. None closes port 22; a tunnel is then the way in, see docs/aws.md.",
      ),
    reach,
    connectEndpoint: z
      .boolean()
      .default(false)
      .describe(
        "Whether an EC2 Instance Connect Endpoint is made, by which AWS's CLI opens a tunnel to port 22; see docs/aws.md. A VPC has room for one.",
      ),
    protect: z
      .boolean()
      .default(false)
      .describe(
        "Whether the instance, its data and its address are kept from being deleted or replaced, and so the instances and addresses of `berth:hosts`; see `berth:allow`.",
      ),
    alarms: z
      .strictObject({
        email: z.email({ error: "expected an e-mail address" }).optional().describe("Who is told."),
        agent: z
          .boolean()
          .default(false)
          .describe(
            "Whether the host itself measures its disks and its memory, every minute, for alarms on them; see docs/aws.md.",
          ),
      })
      .optional()
      .describe(
        "CloudWatch alarms for the instance and those of `berth:hosts`, and an SNS topic that passes them on. Default: none.",
      ),
  })
  .describe("An EC2 instance.");
/** Region, network, who may reach its SSH, protection and alarms are the stack's, as `berth:host` has them. */
const otherEc2Host = z
  .strictObject({ kind: z.literal("ec2"), ...everyInstance, ...everyHost, reach })
  .describe("An EC2 instance.");

const hostSchema = z.discriminatedUnion("kind", [localHost, existingHost, ec2Host]);

/**
 * What a host cannot be called: a step or resource of the stack has a name that one of its own would have (with a host
 * `server`, what reaches the database from there would be `postgres-server`), or a machine calls itself so.
 */
const takenNames = [
  ...[
    "app",
    "certificate",
    "cloud",
    "database",
    "localhost",
    "logins",
    "media",
    "nginx",
    "passwords",
    "postgres",
    "redis",
    "secrets",
  ],
  ...["server", "system"],
];
const hostName = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/, {
    error: "expected a name of lower-case letters, digits and hyphens, 20 at most",
  })
  .refine((name) => name !== firstHost, {
    error: `expected another name than '${firstHost}', which is the host that berth:host describes; choose one that says what the host does, such as 'tasks'`,
  })
  .refine((name) => !takenNames.includes(name), {
    error: `expected a name that nothing else of the stack has, so none of ${takenNames.join(", ")}; choose one that says what the host does, such as 'tasks'`,
  });
const otherHostSchema = z.discriminatedUnion("kind", [localHost, existingHost, otherEc2Host]);

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
  basicAuth: z
    .strictObject({
      user: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: "expected letters, digits, dots, hyphens, underscores" })
        .describe("The name to log in with; the output `basicAuthPassword` has the password."),
    })
    .optional()
    .describe("Asks every visitor for a name and a password (RFC 7617), all but the health path."),
  zone: domainName
    .optional()
    .describe(
      "The Route 53 zone in which the site's names are made to point at the host. Default: the output `dns` says what to make by hand.",
    ),
});

const mediaSchema = z.strictObject({
  store: z
    .enum(["host", "s3"])
    .default("host")
    .describe("Where uploaded files lie: on the host's disk, or in an S3 bucket that the stack makes."),
  region: awsRegion.optional().describe("The bucket's AWS region. Default: that of the EC2 host."),
  bucket: z
    .string()
    .regex(/^(?=.{3,63}$)(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]*[a-z0-9]$/, {
      error: "expected a bucket's name: 3 to 63 lower-case letters, digits and hyphens",
    })
    .optional()
    .describe("The bucket's name, unlike any other in the world. Default: one that is made up."),
  access: z
    .enum(["role", "user"])
    .optional()
    .describe(
      "How the application gets in: by the instance's role, or by an IAM user's key. Default: `role` on EC2, `user` elsewhere.",
    ),
  mayDelete: z.boolean().default(true).describe("Whether the application may delete files."),
  oldVersions: z
    .int()
    .min(1)
    .default(30)
    .describe("How long files that were replaced or deleted can be had back, in days."),
  publicFiles: z
    .strictObject({
      folder: z
        .string()
        .regex(/^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/, {
          error: "expected a folder of the bucket without slashes at its ends, such as static",
        })
        .describe("The folder that they are in: what their names begin with."),
      by: z
        .enum(["cloudfront", "s3"])
        .default("cloudfront")
        .describe(
          "`cloudfront`: through CloudFront, and the bucket itself stays private. `s3`: from the bucket, which is public there.",
        ),
    })
    .optional()
    .describe("A folder of the bucket that everyone may read, for static files. Default: none."),
});

const urlPassword = z.string().regex(/^[A-Za-z0-9._~-]{16,}$/, {
  error: "expected 16 or more letters, digits, dots, underscores, tildes and hyphens",
});
const secretsSchema = z.strictObject({
  database: urlPassword.optional().describe("The database role's password."),
  redis: urlPassword.optional().describe("Redis's password."),
  signingKey: z.string().min(32).optional().describe("Django's SECRET_KEY."),
  basicAuth: z.string().min(8).optional().describe("The password that `site.basicAuth` asks for."),
  mirror: z
    .enum(["none", "secrets-manager", "parameter-store"])
    .default("none")
    .describe("Where other teams find the stack's secrets: AWS Secrets Manager, or SSM's Parameter Store."),
});

const generation = (what: string) => z.int().min(1).default(1).describe(`The generation of ${what}.`);
const rotateSchema = z.strictObject({
  database: generation("the database's password; the one before holds until the new one is live"),
  redis: generation("Redis's password; the one before holds until the new one is live"),
  signingKey: generation("Django's SECRET_KEY; everyone is logged out"),
  basicAuth: generation("the password that `site.basicAuth` asks for"),
  media: generation("the IAM user's key; the one before works until the next is made"),
});

const permission = {
  // Without quotes a day is a time to YAML.
  until: z
    .string()
    .transform((day) => lastDay(day) ?? day)
    .pipe(z.iso.date({ error: "expected a date such as 2026-12-31" }))
    .describe("The last day on which it holds, in UTC."),
  why: z.string().min(1).describe("The reason, for those who read it later."),
};
const allowSchema = z.strictObject({
  change: z.enum(["delete", "replace"]).describe("What may happen."),
  resource: z.string().min(1).describe("Name of the resource, as previews show it."),
  ...permission,
});
const waiveSchema = z.strictObject({
  rule: z.string().min(1).describe("Name of the rule; see docs/policy.md."),
  resource: z.string().min(1).describe("Name of the resource, as previews show it."),
  ...permission,
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

const processName = z.string().regex(processNamePattern, {
  error: "expected a lower-case letter, then letters, digits, hyphens or underscores, 23 at most",
});
const commandLine = z
  .string()
  .regex(/^\S.*$/, { error: "expected a command on one line, such as celery -A shop worker" });
const limits = {
  memory: z.int().min(32).optional().describe("The most memory it may take, in MiB. Default: no limit."),
  cpu: z
    .int()
    .min(1)
    .optional()
    .describe("The most computing time it may take, in percent of one CPU. Default: no limit."),
};
const processSchema = z
  .strictObject({
    command: commandLine
      .optional()
      .describe(
        "What runs, in the release's directory. Default: the line of that name in the release's Procfile.",
      ),
    kind: z
      .enum(kindNames)
      .optional()
      .describe(
        "What it is, which decides how it is stopped, and that there is only one `celery-beat`. Default: told from the command.",
      ),
    count: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe("How many of it run; 0 leaves out a line of the Procfile, such as one for development."),
    ...limits,
    account: accountName
      .optional()
      .describe(
        "A system account of its own, which reads the code and writes only to `/var/lib/NAME-PROCESS`. Default: the application's.",
      ),
    stopTimeout: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe(
        "How long a task that it has begun may take when it is to stop, in seconds; then it is killed.",
      ),
    onRelease: z
      .enum(["restart", "keep"])
      .default("restart")
      .describe(
        "Whether a release moves it to the new code, or leaves it on the old until the host boots. `keep` is not recommended.",
      ),
    runsOn: z
      .string()
      .optional()
      .describe(
        "The host that it runs on: a name in `berth:hosts`. Default: the one that serves the site. See docs/hosts.md.",
      ),
  })
  .describe("A process.");

const timerSchema = z
  .strictObject({
    command: commandLine.describe("What runs, in the directory of the release that is live."),
    at: z
      .string()
      .regex(/^\S.*$/, { error: "expected times, such as daily, *:0/15 or Mon 03:00 Europe/Berlin" })
      .describe(
        "When, as `OnCalendar=` of systemd.time(7) has it: `hourly`, `*:0/15`, `Mon 03:00 Europe/Berlin`. Without a time zone, in UTC.",
      ),
    account: processSchema.shape.account,
    ...limits,
  })
  .describe("A timer.");

/** Where an application may lie: never among what the system itself keeps (hier(7)). */
function isPlace(path: string): boolean {
  const ofSystem =
    /^\/(bin|boot|dev|etc|lib\w*|lost\+found|proc|root|run|sbin|sys|tmp|usr|var(?!\/(www|opt)\/))\//;
  return /^(\/[\w-][\w.-]*){2,}$/.test(path) && !ofSystem.test(path) && !/^\/home\/[^/]+$/.test(path);
}

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
  ownerKeys: z
    .array(sshKey)
    .default([])
    .describe(
      "SSH public keys that may log in as the owner, who may start and stop the application's services and nothing else as root; see docs/security.md.",
    ),
  root: z
    .string()
    .refine(isPlace, {
      error:
        "expected an absolute path of two parts or more, not in a directory of the system, such as /srv/shop",
    })
    .optional()
    .describe(
      "The application's directory on the host. Nobody but root may change a directory above it; of one in a home, such as /home/deployer/shop, there is a link to /srv/NAME. Default: /srv/NAME.",
    ),
  python: z
    .string()
    .regex(/^3\.\d+$/, { error: 'expected a Python version in quotes, such as "3.13"' })
    .optional()
    .describe(
      "The Python that the application needs, 3.9 or later. One that the host does not have is brought by uv. Default: the host's own (3.13 on Debian 13).",
    ),
  pythonMirror: z
    .string()
    .regex(/^(https|file):\/\/\S+$/, { error: "expected a URL that begins with https:// or file:///" })
    .optional()
    .describe(
      "Where Pythons come from in place of GitHub: a mirror of python-build-standalone's releases, or, ending in .json, a list of Pythons as uv reads it. `file://` is a place on the host.",
    ),
  index: z
    .string()
    .regex(/^https?:\/\/[^\s@]+$/, {
      error:
        "expected a URL such as https://pypi.example.com/simple/; a login goes into berth:app.indexLogins",
    })
    .optional()
    .describe(
      "The package index in place of PyPI. Default: what uv on the host asks, which is PyPI unless /etc/uv/uv.toml says otherwise. One beside PyPI stands in the source, as uv or pip have it.",
    ),
  indexLogins: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9.-]+$/, { error: "expected the name of a host, such as pypi.example.com" }),
      z.string().regex(/^[^\s:]+:\S+$/, { error: "expected USER:PASSWORD, without spaces" }),
    )
    .default({})
    .describe(
      "Logins of package indexes, `USER:PASSWORD` by the name of their host: `pulumi config set --secret --path 'berth:app.indexLogins[\"pypi.example.com\"]'`. Where the code's owner can read them, who runs the builds of packages.",
    ),
  packages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/, { error: "expected the name of a Debian package" }))
    .default([])
    .describe("More Debian packages that the application needs, such as libxml2-dev."),
  build: z
    .strictObject({
      commands: z
        .array(z.string().min(1))
        .default([])
        .describe(
          "Commands that run in a release's directory after its dependencies and its front end, and before collectstatic, such as `python manage.py compilemessages`: as the owner, with the environment's programs first in PATH. A change makes a new release.",
        ),
      env: z
        .record(settingName, z.string())
        .default({})
        .describe(
          "Environment variables of these commands, none of them secret. Of the application's own settings they have none.",
        ),
    })
    .prefault({})
    .describe("What runs while a release is made."),
  server: z
    .enum(["gunicorn", "uwsgi"])
    .default("gunicorn")
    .describe("What serves the application: gunicorn, or uWSGI. A change is a new release."),
  wsgi: z
    .string()
    .regex(/^[\w.]+(:\w+(\(\))?)?$/, {
      error:
        "expected MODULE:CALLABLE, such as shop.wsgi:application, or MODULE:FACTORY(), such as shop:create_app()",
    })
    .transform((value) => (value.includes(":") ? value : `${value}:application`))
    .describe(
      "The WSGI application, `MODULE:CALLABLE`, or `MODULE:FACTORY()` for a function that makes it; the callable is `application` when it is not named.",
    ),
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
    .describe(
      "Settings of the application. A number or a date arrives as it is written here, quotes or not. `${postgres.host}` and the like stand for what the stack has: see docs/deploying-your-application.md.",
    ),
  secrets: z
    .record(settingName, z.string())
    .default({})
    .describe("Settings that are secret: `pulumi config set --secret --path 'berth:app.secrets.NAME'`."),
  files: filesSchema,
  once: onceSchema,
  check: checkSchema,
  health: z
    .string()
    .regex(/^\/\S*$/, { error: "expected a path that begins with /" })
    .default("/")
    .describe(
      "The path that answers 200 when the application is healthy. An unhealthy release does not go live.",
    ),
  workers: z.int().min(1).max(64).default(2).describe("How many worker processes serve requests."),
  processes: z
    .record(processName, processSchema)
    .default({})
    .describe(
      "Processes beside the web server, by name: queue workers, schedulers, any command; see docs/processes.md. Of the web server itself, `web`, only `memory` and `cpu` can be set; of the command that migrates, `release`, only `command`.",
    ),
  timers: z
    .record(processName, timerSchema)
    .default({})
    .describe("Commands that run at certain times, by name; see docs/processes.md."),
  release: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A release that the host has kept, to go back to: its id, or a git reference of it. Default: that of the source.",
    ),
  retry: z
    .string()
    .optional()
    .describe("Id of a release that is tried once more though it has failed; see docs/releases.md."),
  keep: z
    .int()
    .min(1)
    .max(50)
    .default(5)
    .describe(
      "How many releases that were healthy are kept on the host, the one that runs included. What ran before stays until the next release.",
    ),
  dumpBeforeMigrate: z
    .boolean()
    .default(true)
    .describe(
      "Whether the database is dumped before it is migrated; the dump is kept as long as the release.",
    ),
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
  extensions: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9_-]{0,62}$/, { error: "expected the name of an extension, such as postgis" }),
    )
    .default([])
    .describe(
      "Extensions that only the superuser may make, such as `postgis`, `vector` or `pg_stat_statements`, in a schema of their own that the database's sessions look into. What PostgreSQL does not bring itself is a Debian package; those of `postgis` and `vector` Berth installs. One that is taken out stays.",
    ),
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
  keys: z.array(sshKey).min(1).describe("Public keys that may log in."),
});

/** The whole configuration of a stack, under the namespace `berth:`. */
const parts = z.strictObject({
  host: hostSchema.describe("The machine that everything runs on."),
  hosts: z
    .record(hostName, otherHostSchema)
    .default({})
    .describe(
      "More machines by their names, such as `tasks`: each with the keys of `berth:host` above, and of the same kind. One of kind `ec2` has only `instanceType`, `image`, `rootVolume`, `timezone`, `locale` and `reach`; all else is as `berth:host` has it. They reach its PostgreSQL and Redis; see docs/hosts.md.",
    ),
  site: siteSchema.prefault({}).describe("How the site is reached."),
  app: appSchema.describe("The application."),
  postgres: postgresSchema.prefault({}).describe("The database, PostgreSQL."),
  redis: redisSchema.prefault({}).describe("The cache, the session store and the queue, Redis."),
  media: mediaSchema.prefault({}).describe("Uploaded files."),
  secrets: secretsSchema
    .prefault({})
    .describe("Secrets that you bring, rather than have them made; and where they are mirrored."),
  rotate: rotateSchema
    .prefault({})
    .describe("Secrets to make anew: raise the number of one, by one at a time."),
  admins: z
    .array(adminSchema)
    .default([])
    .describe(
      "People who administer the host: one account each, with sudo. One that is taken out is locked.",
    ),
  allow: z
    .array(allowSchema)
    .default([])
    .describe("What may be deleted or replaced although the stack protects it, each for a while."),
  waive: z.array(waiveSchema).default([]).describe("Rules of the policy pack that one resource may break."),
});

/** {@link parts} with what holds between them. */
export const configSchema = parts.superRefine((config, context) => {
  const fault = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: path.split("."), message, input: at(config, path) });
  const { host, hosts, site, app, media, secrets, admins } = config;
  const texts = Object.fromEntries(Object.entries(app.env).map(([name, value]) => [name, `${value}`]));
  const services = (["postgres", "redis"] as const).filter((service) => config[service].enabled);
  const names = referenceNames(services, Object.keys(app.secrets));
  for (const [name, message] of referenceFaults(texts, names)) fault(`app.env.${name}`, message);
  for (const { path, message, found } of fileFaults(app.files, names)) {
    context.addIssue({ code: "custom", path: ["app", "files", ...path], message, input: found });
  }
  for (const [path, message] of faultsOfHosts(host, hosts)) fault(path, message);
  if (host.kind === "ec2" && host.sshFrom.length === 0 && host.reach === undefined) {
    fault("host.sshFrom", "expected a network, or a tunnel as 'reach': Berth itself comes by SSH");
  }
  // What builds a release, every dependency's own scripts among it, runs as the owner.
  const mayAll = [...admins.map(({ name }) => name), ...(host.kind === "existing" ? [host.user] : [])];
  if (mayAll.includes(app.owner)) {
    fault("app.owner", `expected an account that is not root's equal: '${app.owner}' may do all by sudo`);
  }
  if (app.root?.startsWith("/home/") && !app.root.startsWith(`/home/${app.owner}/`)) {
    fault("app.root", `expected a place in the home of 'app.owner', /home/${app.owner}, or outside of homes`);
  }
  if (media.store === "s3" && host.kind !== "ec2") {
    if (media.region === undefined) fault("media.region", "expected an AWS region for the bucket");
    if (media.access === "role") fault("media.access", "expected 'user': only an EC2 host has a role");
  }
  if (media.store === "host" && media.publicFiles !== undefined) {
    fault("media.publicFiles", "expected none: only a bucket (media.store: s3) has public files");
  }
  if (site.zone !== undefined) {
    for (const name of [site.domain, ...site.aliases]) {
      if (name !== undefined && name !== site.zone && !name.endsWith(`.${site.zone}`)) {
        fault("site.zone", `expected the zone of '${name}'`);
      }
    }
    if (site.domain === undefined) fault("site.domain", "expected a name in the zone that 'zone' names");
  }
  for (const [name, wanted] of Object.entries(config.app.processes)) {
    processFaults(name, wanted, config.app.owner).forEach(([key, message]) => {
      fault(`app.processes.${name}.${key}`, message);
    });
    if (wanted.runsOn !== undefined && (name === "web" || hosts[wanted.runsOn] === undefined)) {
      const names = Object.keys(hosts).join(", ");
      const expected =
        name === "web"
          ? "none: the web server runs on berth:host"
          : `a name in berth:hosts: ${names || "there is none"}`;
      fault(`app.processes.${name}.runsOn`, `expected ${expected}`);
    }
  }
  for (const [name, { account }] of Object.entries(config.app.timers)) {
    if (reservedNames.includes(name) || name === "web-start" || name in config.app.processes) {
      fault(
        `app.timers.${name}`,
        "expected a name that no process has, and none of web, release and web-start",
      );
    }
    if (account === config.app.owner) fault(`app.timers.${name}.account`, anotherAccount);
  }
  if (host.kind !== "ec2") {
    if (site.zone !== undefined) fault("site.zone", "expected none: only an EC2 stack makes records");
    if (secrets.mirror !== "none") fault("secrets.mirror", "expected 'none': only an EC2 stack mirrors");
  }
});

const anotherAccount = "expected another than 'app.owner', which can write the code";

/** What is wrong with a process: the key and what was expected there. */
function processFaults(
  name: string,
  wanted: z.output<typeof processSchema>,
  owner: string,
): [string, string][] {
  const faults: [string, string][] = [];
  const { command, account } = wanted;
  const kind = wanted.kind ?? kindOf(command ?? "");
  if (name === "web") {
    if (command !== undefined) {
      faults.push([
        "command",
        "expected none: the web server is Berth's own, of 'app.wsgi' and 'app.workers'",
      ]);
    }
    if (wanted.count !== 1) faults.push(["count", "expected none: 'app.workers' says how many"]);
    if (account !== undefined) faults.push(["account", "expected none: 'app.name' is its account"]);
  }
  if (name === "release") {
    if (command === undefined)
      faults.push(["command", "expected a command, such as python manage.py migrate"]);
    const others = (["kind", "memory", "cpu", "account", "runsOn"] as const).filter(
      (key) => wanted[key] !== undefined,
    );
    for (const key of others) faults.push([key, "expected none: of 'release' there is only 'command'"]);
    return faults;
  }
  if (kind === "celery-beat" && wanted.count > 1) {
    faults.push(["count", oneBeat]);
  }
  if (command !== undefined && hasBeat(command)) faults.push(["command", withoutBeat]);
  if (account !== undefined && account === owner) {
    faults.push(["account", anotherAccount]);
  }
  return faults;
}

export type Config = z.output<typeof configSchema>;
export type HostConfig = Config["host"];
export type OtherHostConfig = Config["hosts"][string];

/** What does not hold among the hosts of a stack: the key of each fault, and what is expected there. */
function faultsOfHosts(
  host: HostConfig,
  hosts: Config["hosts"],
): (readonly [path: string, expected: string])[] {
  const others = Object.entries(hosts).map(([name, one]) => [`hosts.${name}`, one] as const);
  if (others.length === 0) return [];
  const taken = new Map<string, string>();
  /** Where a host is to be found must be no other one's. */
  const alone = (place: string, path: string) => {
    const other = taken.get(place);
    taken.set(place, path);
    return other === undefined ? [] : [[path, `expected another address than berth:${other}`] as const];
  };
  return ([["host", host], ...others] as const).flatMap(([path, one]): (readonly [string, string])[] => {
    if (one.kind !== host.kind) {
      return [[`${path}.kind`, `expected '${host.kind}' as berth:host has: the hosts must reach each other`]];
    }
    if (one.kind === "ec2") {
      if (one.reach !== undefined) return alone(`${one.reach.address}:${one.reach.port}`, `${path}.reach`);
      return host.kind === "ec2" && host.sshFrom.length === 0 && path !== "host"
        ? [[`${path}.reach`, "expected a tunnel of its own: berth:host.sshFrom lets SSH in from nowhere"]]
        : [];
    }
    if (one.kind !== "existing") return [];
    const own = one.privateAddress ?? one.address;
    if (isIP(own) === 0) {
      return [[`${path}.privateAddress`, `expected an IP address: the other hosts take none of '${own}'`]];
    }
    return alone(own, `${path}.${one.privateAddress === undefined ? "address" : "privateAddress"}`);
  });
}

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
  const faults = result.error.issues.flatMap((issue) => describeIssue(issue, configSchema, raw));
  throw new pulumi.RunError(
    [
      `The configuration of stack '${stack}' (Pulumi.${stack}.yaml) has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`,
      ...faults.map((fault) => `  ${fault}`),
      "Every key is described in docs/configuration.md.",
    ].join("\n"),
  );
}

function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);
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

function isCidr(value: string): boolean {
  const [ip = "", bits = "", rest] = value.split("/");
  const family = isIP(ip);
  return (
    rest === undefined && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}
