import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../host/host.ts";
import { HostScript } from "../../host/host-script.ts";
import { type PagesConfig, pagesOf } from "./pages-schema.ts";

export interface FrontArgs {
  readonly host: Host;
  /** Name of the application. */
  readonly name: string;
  /** Pages that visitors must get: see `app.pages` of the configuration. */
  readonly pages: PagesConfig;
  /** Where nginx finds the static files. @default the application has none */
  readonly staticRoot?: string | undefined;
  /** And further files of a release. @default there are none */
  readonly filesRoot?: string | undefined;
  /** The name that the site is asked by. */
  readonly domain: pulumi.Input<string>;
  /** How its host answers. */
  readonly door: "http" | "https";
}

/**
 * Asks the front door of a site for the pages that the stack names and for some static files, once nginx is configured.
 * A release goes live before that, and asks there only for what was there before.
 */
export class Front extends HostScript {
  constructor(name: string, args: FrontArgs, options: pulumi.CustomResourceOptions) {
    const { host, pages, domain, door } = args;
    const facts = pulumi
      .output(domain)
      .apply((asked) => JSON.stringify({ pages: pagesOf(pages), domain: asked, door }, null, 2));
    super(
      name,
      {
        host,
        script: join(import.meta.dirname, "front.sh"),
        slots: { name: args.name, static_root: args.staticRoot ?? args.filesRoot ?? "", facts },
      },
      options,
    );
  }
}
