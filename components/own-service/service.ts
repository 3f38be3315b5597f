import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Look } from "../host/look.ts";
import { type Service, service } from "../service/service.ts";
import { place as urlPlace } from "../service/url-parts.ts";
import type { PackageSet } from "../system/system.ts";
import { archiveFiles, originOf } from "./archive.ts";
import { addressOf, OwnService } from "./own-service.ts";
import { placeOf } from "./place.ts";
import type { OwnServiceConfig, OwnServices } from "./schema.ts";

/** All packages of a service. */
const packagesOf = ({ packages, archive }: OwnServiceConfig) => [...packages, ...(archive?.packages ?? [])];

/** The text of one of its files. */
export const fileText = (file: OwnServiceConfig["files"][string]): string =>
  "from" in file ? new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file.from)) : file.content;

/** The services of a team's own, as a stack has them. */
export const ownServices = (all: OwnServices): Service[] =>
  Object.entries(all).map(([name, config], index) =>
    ownService(name, config, index === 0 ? lookFor(all) : { script: [] }),
  );

/** One look is for all of them. */
const lookFor = (all: OwnServices): Look => ({
  script: join(import.meta.dirname, "look.sh"),
  slots: {
    own_services: Object.entries(all)
      .map(([name, config]) => [name, config.port, ...packagesOf(config)].join(" "))
      .join("\n"),
  },
});

function packageSet(name: string, config: OwnServiceConfig): PackageSet {
  const { archive } = config;
  const packages = packagesOf(config);
  return {
    packages,
    ...(archive === undefined
      ? {}
      : {
          files: archiveFiles(name, archive),
          archive: { key: `services.${name}.archive.url`, host: originOf(archive) },
        }),
    ownUnitsOf: { key: `services.${name}`, packages },
  };
}

function ownService(name: string, config: OwnServiceConfig, look: Look): Service {
  const { port, data, settings } = config;
  const place = placeOf(name);
  const key = `services.${name}`;
  return service({
    name: key,
    // Its part of the configuration is read with those of all others.
    schema: z.unknown(),
    secrets: {},
    steps: ["server"],
    references: {
      plain: {
        ...urlPlace,
        address: ({ host }) => host,
        files: () => place.files,
        ...(data ? { data: () => place.data } : {}),
      },
      secret: {},
    },
    plan: () => ({
      server: {
        packages: packageSet(name, config),
        look,
        listener: { account: place.account, madeFor: key, ports: [port], forApplication: true },
        ...(data
          ? {
              data: { directories: [place.data], services: [place.unit] },
              backup: {
                kind: "files",
                name,
                account: place.account,
                directories: [place.data],
                unit: place.unit,
                usual: true,
              },
            }
          : {}),
        units: [place.unit],
        ownerUnits: [place.account],
        settings,
        at: addressOf(port),
        make: (_, { host, fill }, options) =>
          new OwnService(
            place.account,
            {
              ...{ host, name, port, data },
              packages: packagesOf(config),
              command: fill(config.command, `${key}.command`),
              env: mapped(config.env, (value, one) => fill(`${value}`, `${key}.env.${one}`)),
              files: mapped(config.files, (file, one) => fill(fileText(file), `${key}.files.${one}`)),
              health: config.health,
              memory: config.memory,
              cpu: config.cpu,
            },
            options,
          ),
      },
    }),
  });
}

const mapped = <From, To>(
  values: Readonly<Record<string, From>>,
  make: (value: From, key: string) => To,
): Record<string, To> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, make(value, key)]));
