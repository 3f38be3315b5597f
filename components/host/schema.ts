import { isIP } from "node:net";
import { z } from "zod";
import { address, cidr, hostKey, port } from "../service/forms.ts";

export const anywhere = ["0.0.0.0/0", "::/0"];

const privateAddress = z
  .string()
  .refine((value) => isIP(value) !== 0, { error: "expected an IP address" })
  .optional()
  .describe(
    "The IP address at which the stack's other hosts reach it, if it is not `address`; see docs/hosts.md.",
  );

const timezone = z.string().regex(/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/, {
  error: "expected a name of the tz database, such as Europe/Berlin",
});
const aboutTimezone = "The time zone of the host. Security upgrades run every night at 02:00 in it.";

export const everyHost = {
  timezone: timezone.default("UTC").describe(aboutTimezone),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}_[A-Z]{2}\.UTF-8$/, { error: "expected a UTF-8 locale, such as en_US.UTF-8" })
    .default("en_US.UTF-8")
    .describe("The locale of the host and of the database."),
  rebootAt: z
    .string()
    .regex(/^[A-Za-z0-9*:,./~ -]+$/, {
      error: "expected a calendar event of systemd.time(7), such as 'Sun 04:00'",
    })
    .optional()
    .describe(
      "When the host may reboot, if an upgrade needs that: a calendar event of systemd.time(7), such as `Sun 04:00`, in its time zone. Without this key it never does by itself; see docs/hosts.md.",
    ),
};
const sshFrom = z
  .array(cidr)
  .default(anywhere)
  .describe("Networks that may connect by SSH. The list must include the network from which you run Berth.");

export const localHost = z
  .strictObject({
    kind: z.literal("local"),
    memory: z.int().min(512).default(2048).describe("Memory of the machine, in MiB."),
    disk: z.int().min(3).default(20).describe("The most disk space that the machine may use, in GiB."),
    ...everyHost,
    sshFrom,
  })
  .describe("A Debian 13 machine on this computer. `pulumi up` makes it, `pulumi destroy` removes it.");

export const existingHost = z
  .strictObject({
    kind: z.literal("existing"),
    address: address.describe("The machine's address for SSH: an IP address or a name."),
    port: port.default(22).describe("The port of its SSH."),
    user: z
      .string()
      .min(1)
      .default("root")
      .describe("The account to log in with: root, or an account with sudo without a password."),
    hostKey: hostKey.describe(
      "The machine's ed25519 host key. Berth talks to no machine that shows another key.",
    ),
    privateKeyFile: z
      .string()
      .optional()
      .describe(
        "Path of the private key to log in with. Without it and without `privateKey`, Berth asks your SSH agent. Several people who deploy one stack leave it out: the key is kept in the stack's state, encrypted, and another person's key runs every step again.",
      ),
    privateKey: z.string().optional().describe("The private key itself, as a secret in the stack's file."),
    privateAddress,
    ...everyHost,
    timezone: timezone
      .optional()
      .describe(`${aboutTimezone} Default: the machine keeps its own, and so the times of its other jobs.`),
    sshFrom,
    openPorts: z
      .array(
        z
          .union([z.int(), z.string()])
          .refine((value) => portPattern.test(`${value}`) && otherPort(value).number <= 65_535, {
            error: "expected a port, such as 8443 or 51820/udp",
          }),
      )
      .optional()
      .describe(
        "Ports of what else the machine serves, which stay open to everyone: `8443`, or `51820/udp`. Berth's firewall closes all others. Without this key Berth stops before the first deployment where something else listens, and says what; an empty list closes them.",
      ),
  })
  .describe("A machine that you have.");

const portPattern = /^([1-9]\d{0,4})(\/(tcp|udp))?$/;

/** What an entry of `openPorts` names. */
export function otherPort(value: number | string): { protocol: "tcp" | "udp"; number: number } {
  const [, number, , protocol = "tcp"] = portPattern.exec(`${value}`) ?? [];
  return { protocol: protocol as "tcp" | "udp", number: Number(number) };
}
