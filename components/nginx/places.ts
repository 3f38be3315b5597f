import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { type Locations, locationRules } from "./front/locations.ts";

export interface PlacesArgs {
  readonly host: Host;
  /** What the host itself must have, one a line: the path, the place, and the file that answers for what is not there. */
  readonly places: string;
}

/** Undefined where `locations` name nothing of the host. */
export function placesArgs(host: Host, locations: Locations): PlacesArgs | undefined {
  const places = locationRules(locations)
    .filter(({ kind }) => kind === "host")
    .map(({ path, place, fallback }) => [path, place, fallback].join(" ").trimEnd())
    .join("\n");
  return places === "" ? undefined : { host, places };
}

/** Looks whether nginx can read what `locations` name on the host, before anything of the site is changed. */
export class Places extends HostScript {
  constructor(name: string, { host, places }: PlacesArgs, options: pulumi.CustomResourceOptions) {
    super(name, { host, script: join(import.meta.dirname, "places.sh"), slots: { places } }, options);
  }
}
