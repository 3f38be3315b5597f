import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { bracketed } from "./address.ts";
import { type PinnedCertificate, pinnedCertificate } from "./certificate.ts";

export interface PrivateAccessArgs {
  /** Name of the service, and of the group that may read the certificate's key on its host. */
  readonly service: string;
  /** The service's own host. */
  readonly host: Host;
  /** The port at which other hosts reach it. */
  readonly port: number;
  /** The hosts that reach it over the private network. @default none */
  readonly others?: readonly Host[] | undefined;
}

/** How a service is reached from each of its hosts: on its own by the loopback address, from others with TLS. */
export class PrivateAccess {
  /** What it shows to others; undefined where there are none. */
  readonly certificate: PinnedCertificate | undefined;
  readonly #args: PrivateAccessArgs;
  readonly #urls = new Map<string, pulumi.Output<string>>();

  /**
   * @param name name of the service's component
   * @param parent the component
   */
  constructor(name: string, args: PrivateAccessArgs, parent: pulumi.Resource) {
    this.#args = args;
    const { service, host, others = [] } = args;
    this.certificate =
      others.length === 0 ? undefined : pinnedCertificate(`${name}-certificate`, service, host, parent);
  }

  /** The service's address as it stands in a file on its own host; empty where nobody else reaches it. */
  get address(): pulumi.Output<string> {
    return this.certificate === undefined ? pulumi.output("") : this.#args.host.privateAddress;
  }

  /**
   * Settles the URLs.
   *
   * @param own the URL on the service's own host
   * @param from brings to another host what it needs there, and tells its URL, with this place in it
   */
  open(
    own: pulumi.Output<string>,
    from: (
      other: Host,
      certificate: PinnedCertificate,
      place: pulumi.Output<string>,
    ) => pulumi.Output<string>,
  ): void {
    const { host, port, others = [] } = this.#args;
    this.#urls.set(host.name, own);
    if (this.certificate === undefined) return;
    const place = host.privateAddress.apply((address) => `${bracketed(address)}:${port}`);
    for (const other of others) this.#urls.set(other.name, from(other, this.certificate, place));
  }

  /** The URL on one of its hosts; undefined on any other. */
  urlOn(host: Host): pulumi.Output<string> | undefined {
    return this.#urls.get(host.name);
  }
}
