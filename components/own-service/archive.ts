import { existsSync, readFileSync } from "node:fs";
import type { StepFile } from "../host/step.ts";
import type { ArchiveConfig } from "./schema.ts";

/** The host of an archive, as apt pins by it; empty for a directory. */
export const originOf = ({ url }: ArchiveConfig): string =>
  url.startsWith("file:") ? "" : new URL(url).hostname;

/**
 * What is wrong with the file of an archive's key.
 *
 * @returns what was expected, and what was found; undefined where it is a key
 */
export function keyFault({ key }: ArchiveConfig): [expected: string, found: string] | undefined {
  const expected = `expected a file with a public key in text form, from ${process.cwd()}`;
  let text: string;
  try {
    text = readFileSync(key, "utf8");
  } catch (error) {
    return [`${expected} (${(error as Error).message})`, key];
  }
  if (text.includes("PRIVATE KEY")) return [`${expected}; this one holds a private key`, key];
  if (!text.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----"))
    return [`${expected}, as 'gpg --armor --export' prints it`, key];
  return undefined;
}

/** The text of a key. One that is not there is a fault of the configuration, which {@link keyFault} tells. */
const keyText = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** The files by which apt knows an archive: where it is, the one key that it is trusted by, and what comes from it. */
export function archiveFiles(service: string, archive: ArchiveConfig): Readonly<Record<string, StepFile>> {
  const { url, suite, components, key, packages } = archive;
  const ring = `/etc/apt/keyrings/berth-${service}.asc`;
  const origin = originOf(archive);
  const pin = (names: string, priority: number) =>
    `Package: ${names}\nPin: origin "${origin}"\nPin-Priority: ${priority}\n`;
  return {
    [ring]: { content: keyText(key) },
    [`/etc/apt/sources.list.d/berth-${service}.sources`]: {
      content: `# Berth: berth:services, ${service}.\nTypes: deb\nURIs: ${url}\nSuites: ${suite}\nComponents: ${components.join(" ")}\nSigned-By: ${ring}\n`,
    },
    // What is not named has no candidate there (apt_preferences(5)), whatever version the archive says that it has.
    [`/etc/apt/preferences.d/berth-${service}.pref`]: {
      content: `Explanation: Berth: of this archive these packages, and nothing else.\n${pin(packages.join(" "), 600)}\n${pin("*", -1)}`,
    },
    // Debian's unattended-upgrades looks at no other archive by itself.
    [`/etc/apt/apt.conf.d/53berth-${service}`]: {
      content: `// Berth: upgrades every night, as Debian's.\nUnattended-Upgrade::Origins-Pattern:: "site=${origin}";\n`,
    },
  };
}
