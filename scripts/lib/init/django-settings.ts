// What Django's settings fix that a release has to be told from outside.
import { type Expression, type Module, textIn, textsIn } from "./python.ts";

/** @param chain the settings module, and after it those that it takes all from */
export function readDjangoSettings(chain: readonly Module[]): string[] {
  const todos: string[] = [];
  const last = (name: string): { readonly value: Expression; readonly at: string } | undefined => {
    for (const { path, assigns } of chain) {
      const found = assigns.filter((one) => one.name === name && !one.conditional).at(-1);
      if (found !== undefined) return { value: found.value, at: `${path}:${found.line}` };
    }
    return undefined;
  };
  const isFixed = (value: Expression) =>
    value.kind === "list" && value.items.every((one) => one.kind === "text");
  const isConditional = (name: string) =>
    chain.some(({ assigns }) => assigns.some((one) => one.name === name && (one.conditional || one.isAdded)));

  const key = last("SECRET_KEY");
  if (key?.value.kind === "text" && !isConditional("SECRET_KEY")) {
    todos.push(
      `${key.at} has the SECRET_KEY in the code. Take it from the environment: os.environ["SECRET_KEY"].`,
    );
  }
  const debug = last("DEBUG");
  if (debug?.value.kind === "constant" && debug.value.source === "True" && !isConditional("DEBUG")) {
    todos.push(
      `${debug.at} sets DEBUG to True, which shows the code's insides to visitors. Take it from the environment, False without it.`,
    );
  }
  const hosts = last("ALLOWED_HOSTS");
  const isOpen = hosts !== undefined && textsIn(hosts.value).includes("*");
  if (hosts !== undefined && isFixed(hosts.value) && !isOpen && !isConditional("ALLOWED_HOSTS")) {
    const names = textsIn(hosts.value).join(", ") || "none";
    todos.push(
      `${hosts.at} fixes ALLOWED_HOSTS (${names}), so the site's name gets 400. Take it from the environment: os.environ["ALLOWED_HOSTS"].split(",").`,
    );
  }
  const url = textIn(last("STATIC_URL")?.value);
  const middleware = chain.flatMap(({ assigns }) =>
    assigns.filter(({ name }) => /MIDDLEWARE/.test(name)).flatMap(({ value }) => textsIn(value)),
  );
  const isByItself = middleware.some((one) => /whitenoise/i.test(one));
  if (
    url !== undefined &&
    !isByItself &&
    !url.includes("//") &&
    url.replaceAll(/^\/|\/$/g, "") !== "static"
  ) {
    todos.push(
      `${last("STATIC_URL")?.at} sets STATIC_URL to ${url}, and static files are served under /static/. Take it from the environment.`,
    );
  }
  for (const name of ["STATIC_ROOT", "MEDIA_ROOT"]) {
    const root = last(name);
    const text = textIn(root?.value);
    if (text?.startsWith("/"))
      todos.push(
        `${root?.at} sets ${name} to ${text}, outside of the project. Take it from the environment: os.environ["${name}"].`,
      );
  }
  return todos;
}
