import { z } from "zod";

const pem = "-----BEGIN CERTIFICATE-----";

export const syslogSchema = z.strictObject({
  to: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?:\d{1,5}$/i, {
      error: "expected a name and a port, such as logs.example.org:6514",
    })
    .refine((value) => !/^[\d.]+:/.test(value), {
      error: "expected a name, because the server's certificate is checked for it; an IP address has none",
    })
    .describe(
      "Where the logs go: the name and the TCP port of a server that takes syslog by TLS (RFC 5425).",
    ),
  ca: z
    .string()
    .refine((value) => value.includes(pem), {
      error: `expected certificates in PEM, which begin with ${pem}`,
    })
    .optional()
    .describe(
      "Certificates of the authorities that sign the server's, in PEM: their text. Without it, those that Debian trusts.",
    ),
  token: z
    .string()
    .regex(/^\[[\x20-\x7e]+\]$/, {
      error: 'expected structured data of RFC 5424, such as [logtail@11993 source_token="TOKEN"]',
    })
    .optional()
    .describe(
      "What a service knows you by: structured data of RFC 5424, such as `[logtail@11993 source_token=\"TOKEN\"]`. Set it with `npm run pulumi -- config set --secret --path 'syslog.token' -s STACK`, which asks for it.",
    ),
});

export type SyslogConfig = z.output<typeof syslogSchema>;
