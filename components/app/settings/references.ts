import * as pulumi from "@pulumi/pulumi";
import { didYouMean } from "../../service/did-you-mean.ts";
import type { Service } from "../../service/service.ts";

/** What settings may refer to, by names such as `postgres.host`. */
export interface References {
  readonly plain: Readonly<Record<string, pulumi.Input<string>>>;
  /** Each makes the whole setting secret that refers to it. */
  readonly secret: Readonly<Record<string, pulumi.Input<string>>>;
}

/** `${NAME}`; `$${` stands for `${` itself. */
const reference = /\$(\$\{|\{([^}]*)\})/g;

/**
 * What is wrong with the references of settings: the setting, what was meant, and what was found.
 *
 * @param known the names that there are
 */
export function referenceFaults(
  settings: Readonly<Record<string, string>>,
  known: readonly string[],
): [setting: string, fault: string, found: string][] {
  return Object.entries(settings).flatMap(([setting, text]) =>
    namesIn(text)
      .filter((name) => !known.includes(name))
      .map((name): [string, string, string] => {
        const near = didYouMean(name, known).trim();
        const told = near === "" ? "" : ` (${near})`;
        const expected = `expected in \${…} one of ${known.join(", ")}${told}, and $\${ for \${ itself`;
        return [setting, expected, `\${${name}}`];
      }),
  );
}

/** The settings with what they refer to in its place, those that are secret apart. */
export function settle(
  settings: Readonly<Record<string, string>>,
  { plain, secret }: References,
): {
  readonly env: Readonly<Record<string, pulumi.Output<string>>>;
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
} {
  const entries = Object.entries(settings).map(([setting, text]) => {
    const { value, secrets } = fill(text, { plain, secret }, `app.env.${setting}`);
    return [setting, value, secrets.length > 0] as const;
  });
  const those = (secretOnes: boolean) =>
    Object.fromEntries(
      entries
        .filter(([, , isSecret]) => isSecret === secretOnes)
        .map(([setting, filled]) => [setting, secretOnes ? pulumi.secret(filled) : filled]),
    );
  return { env: those(false), secrets: those(true) };
}

/**
 * A text with what it refers to in its place, and the names of the secrets among that.
 *
 * @param key where it stands in the configuration
 * @throws {pulumi.RunError} where a host does not reach what it refers to
 */
export function fill(
  text: string,
  { plain, secret }: References,
  key: string,
): { readonly value: pulumi.Output<string>; readonly secrets: readonly string[] } {
  const names = [...new Set(namesIn(text))];
  const value = pulumi
    .all(
      names.map((name) => {
        const value = secret[name] ?? plain[name];
        if (value !== undefined) return value;
        throw new pulumi.RunError(
          `${key} refers to \${${name}}, which hosts beside the first do not reach. Take it out, or let all that runs on them run on the first host.`,
        );
      }),
    )
    .apply((found) =>
      text.replaceAll(reference, (_, escaped: string, name: string) =>
        escaped === "${" ? escaped : `${found[names.indexOf(name)]}`,
      ),
    );
  return { value, secrets: names.filter((name) => name in secret) };
}

/** The names that a text refers to. */
export const namesIn = (text: string): string[] =>
  [...text.matchAll(reference)].flatMap(([, , name]) => (name === undefined ? [] : [name]));

/** The names in a text that stand for secrets: of the stack, and what lets in to a service. */
export const secretNamesIn = (text: string): string[] =>
  namesIn(text).filter(
    (name) =>
      /^secrets\.|\.(password|url|cacheUrl)$|^media\.(accessKeyId|secretAccessKey)$/.test(name) &&
      name !== "site.url",
  );

const places = ["site.url", "site.scheme", "site.domain", "paths.media", "paths.data", "paths.logs"] as const;

type Referred = Pick<Service, "name" | "references">;

/** The names that settings may refer to: those of services, of places and of secrets. */
export const referenceNames = (services: readonly Referred[], secrets: readonly string[]): string[] => [
  ...services.flatMap(({ name, references }) =>
    Object.keys({ ...references.plain, ...references.secret }).map((part) => `${name}.${part}`),
  ),
  ...places,
  ...secrets.map((name) => `secrets.${name}`),
];

/** What these names stand for, given the services' URLs. */
export function referencesTo(
  urls: readonly { readonly service: Referred; readonly url: pulumi.Output<string> }[],
  own: Readonly<Record<(typeof places)[number], pulumi.Input<string>>>,
  secrets: Readonly<Record<string, pulumi.Input<string>>>,
): References {
  const those = (kind: "plain" | "secret") =>
    urls.flatMap(({ service: { name, references }, url }) =>
      Object.entries(references[kind]).map(([part, read]) => {
        const value = url.apply((text) => read(new URL(text)));
        return [`${name}.${part}`, kind === "plain" ? pulumi.unsecret(value) : value];
      }),
    );
  return {
    plain: { ...Object.fromEntries(those("plain")), ...own },
    secret: {
      ...Object.fromEntries(those("secret")),
      ...Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`secrets.${name}`, value])),
    },
  };
}
