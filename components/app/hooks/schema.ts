import { z } from "zod";

/** Names and addresses that the public internet does not reach: there a secret may travel without TLS. */
const near =
  /^(localhost|127(\.\d+){3}|\[::1\]|10(\.\d+){3}|192\.168(\.\d+){2}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|\[f[cd][0-9a-f:]+\])$/i;

function fault(hook: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(hook)?.[1];
  if (scheme === undefined) return undefined;
  // With credentials in front of its host, curl and browsers would send them; the host's program does not.
  if (!/^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/.test(hook) || !URL.canParse(hook))
    return "expected a URL such as https://example.org/hook/TOKEN, without a login and without #, or a command";
  if (scheme === "http" && !near.test(new URL(hook).hostname))
    return "expected https://, because the record would travel in plain text; http:// is for localhost and private addresses";
  return undefined;
}

const hook = z
  .string()
  .min(1)
  .superRefine((value, context) => {
    const message = fault(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

/** `app.hooks`. */
export const hooksSchema = z
  .strictObject({
    released: hook
      .optional()
      .describe(
        "What is told of a new release once it is live: a URL that gets its record by POST, as one line of JSON, or a command that gets the line on its standard input. Set a URL with a token in it by `npm run pulumi -- config set --secret --path berth:app.hooks.released -s STACK`.",
      ),
    rolledBack: hook
      .optional()
      .describe("What is told once the site has been rolled back to a release by `app.release`."),
  })
  .prefault({})
  .describe(
    "Who is told of what is live. A hook runs after the switch. If it fails or hangs, it changes and delays nothing; `npm run status` shows it. See docs/releases.md. Default: nobody.",
  );

export type HooksConfig = z.output<typeof hooksSchema>;
