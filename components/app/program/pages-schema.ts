import { z } from "zod";

const path = z.string().regex(/^\/[^\s#]*$/, {
  error: "expected the path of a page, such as /login/: it begins with /, without spaces and without #",
});

const page = z.strictObject({
  path: path.describe("The page's path, with a query if it needs one."),
  status: z
    .int()
    .min(200)
    .max(499)
    .default(200)
    .describe(
      "The status that it answers to a visitor without a login, such as 302 for a page that sends people to the login.",
    ),
});

/** `app.pages`. */
export const pagesSchema = z
  .array(z.union([path, page]))
  .max(50)
  .refine(
    (all) => new Set(all.map((one) => (typeof one === "string" ? one : one.path))).size === all.length,
    {
      error: "expected each page once",
    },
  )
  .default([])
  .describe(
    "Pages that a release must answer before it goes live and after, next to `app.health`: `[/, {path: /account/, status: 302}]`. A page without a status must answer 200. See docs/releases.md.",
  );

export type PagesConfig = z.output<typeof pagesSchema>;

/** Each page with the status that it must answer. */
export const pagesOf = (pages: PagesConfig) =>
  pages.map((one) => (typeof one === "string" ? { path: one, status: 200 } : one));
