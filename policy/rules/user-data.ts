import type { Rule } from "../rule.ts";
import { isFirstHostKey, type Part, parts, userDataOf } from "../user-data.ts";

/**
 * User-data can be read for good: by every process on the machine, and by whoever may describe it.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
 */
export const userDataSecret: Rule = {
  name: "user-data-secret",
  description: "User-data holds no secret.",
  comply:
    "take it out and hand it over by SSH, or let the machine fetch it with its role; one private key has its place here: an ed25519 host key in ssh_keys that is replaced at the first contact",
  check: (resource) =>
    userDataOf(resource).flatMap(({ property, text }) =>
      parts(text)
        .filter((part) => !isFirstHostKey(part))
        .flatMap((part) =>
          secretsIn(part).map((what) => `${[property, ...part.path].join(".")} holds ${what}`),
        ),
    ),
};

const shapes: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY/, "a private key"],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/, "the id of an AWS access key"],
  [/\b(gh[pousr]_|github_pat_|glpat-|xox[abpr]-)\w{16}/, "an access token"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/$]*:[^\s:@/$]+@/i, "an address with a password in it"],
];

const secretName =
  "[\\w-]*(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|secret|private|signing)[_-]?key)s?";
const isSecretName = new RegExp(`^${secretName}$`, "i");
const assignment = new RegExp(`(?<![\\w-])(${secretName})["']?\\s*[:=]\\s*["']?([^\\s"',;]+)`, "gi");

function secretsIn({ path, text }: Part): string[] {
  const key = path.at(-1) ?? "";
  // NOPASSWD: is a word of sudoers.
  const assigned = [...text.matchAll(assignment)].some(
    ([, name, value]) => name !== "NOPASSWD" && isSecret(value ?? ""),
  );
  const named =
    (isSecretName.test(key) && isSecret(text)) ||
    (path[0] === "chpasswd" && path[1] === "list" && /:(?!R\s*$|RANDOM\s*$)/m.test(text));
  return [
    ...shapes.filter(([shape]) => shape.test(text)).map(([, what]) => what),
    ...(assigned || named ? ["what looks like a password"] : []),
  ];
}

/**
 * What is no value of its own: a switch, or what the machine or a person fills in, such as `$NAME`, `$(command)`, `<name>`,
 * `%NAME%`, `{{ name }}`. A password may begin with the same sign.
 */
const noValue =
  /^($|\$[\w{(@*?]|`[a-z/]|<[a-z]|%[\w-]+%$|%\(|\{[{%]|(true|false|yes|no|on|off|null|none|~)$)/i;

/** A value of its own; a hash is one. */
function isSecret(value: string): boolean {
  const text = value.trim();
  return /^\$(1|2[abxy]?|5|6|7|y|gy|argon2\w*)\$/.test(text) || !noValue.test(text);
}
