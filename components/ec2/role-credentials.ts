import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host/host.ts";
import { HostScript } from "../host/host-script.ts";
import { renderTemplate } from "../host/template.ts";
import { pythonProgram } from "./python-program.ts";

const here = (file: string) => join(import.meta.dirname, file);

export interface RoleCredentialsArgs {
  /** An EC2 instance with a role. */
  readonly host: Host;
  /** The AWS region that the application works in. */
  readonly region: string;
  /** Whether S3 is at AWS, and not at another endpoint. */
  readonly atAws: boolean;
  /** Name of the application and of its service account, which alone may read the credentials. */
  readonly app: string;
  /** The application's directory on the host, its account's home. */
  readonly root: string;
}

/**
 * What AWS's SDKs read by AWS_CONFIG_FILE. By itself boto3 signs links for `BUCKET.s3.amazonaws.com`, which answers for a new
 * bucket in another region with a redirect that breaks the signature: https://github.com/boto/boto3/issues/1982
 */
export function configText(region: string, credentials: string, atAws: boolean): string {
  const s3 = atAws ? "s3 =\n    addressing_style = virtual\n    signature_version = s3v4\n" : "";
  return `[default]\nregion = ${region}\ncredential_process = /usr/bin/cat ${credentials}\n${s3}`;
}

/**
 * The credentials of the instance's role for one application. The metadata service, which has them, is closed to all
 * but root on a host of Berth's, for it has user-data as well; so root fetches them and an SDK reads them by
 * `credential_process`, and reads anew before they expire.
 */
export class RoleCredentials extends pulumi.ComponentResource {
  /** The value of AWS_CONFIG_FILE for the application, once it works. */
  readonly configFile: pulumi.Output<string>;

  constructor(name: string, args: RoleCredentialsArgs, options?: pulumi.ComponentResourceOptions) {
    super("berth:ec2:RoleCredentials", name, {}, options);
    const { app } = args;
    const unit = `berth-credentials-${app}`;
    const file = `/run/berth-credentials/${app}.json`;
    const config = `/etc/berth/${app}/aws-config`;
    const fetched = new HostScript(
      `${name}-fetch`,
      {
        host: args.host,
        application: app,
        script: here("role-credentials.sh"),
        removal: here("role-credentials-removal.sh"),
        slots: { app, root: args.root, file, unit },
        files: {
          ...pythonProgram("/usr/local/lib/berth/credentials", "role-credentials.py"),
          [`/etc/systemd/system/${unit}.service`]: {
            content: renderTemplate(here("role-credentials.service.liquid"), { app, file }),
          },
          [`/etc/systemd/system/${unit}.timer`]: {
            content: renderTemplate(here("role-credentials.timer.liquid"), { app }),
          },
          [config]: {
            content: configText(args.region, file, args.atAws),
          },
        },
      },
      { parent: this },
    );
    this.configFile = fetched.id.apply(() => config);
    this.registerOutputs();
  }
}
