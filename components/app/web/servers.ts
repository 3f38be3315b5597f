/** What can serve an application. */
export const serverNames = ["gunicorn", "uwsgi", "uvicorn"] as const;

export type ServerName = (typeof serverNames)[number];

/** Which key names the callable that a server runs. */
export const entryKey = (server: ServerName): "wsgi" | "asgi" => (server === "uvicorn" ? "asgi" : "wsgi");

/** Where the callable that is served comes from: the key that names it, and its module. */
export function entryOf(app: {
  readonly server: ServerName;
  readonly wsgi?: string | undefined;
  readonly asgi?: string | undefined;
}): { readonly key: "wsgi" | "asgi"; readonly module: string } {
  const key = entryKey(app.server);
  return { key, module: app[key]?.split(":")[0] ?? "" };
}
