import { z } from "zod";

// Keys of the configuration about what of an application outlives its releases.

export const mediaPublic = z
  .boolean()
  .optional()
  .describe(
    "Whether nginx serves the uploads on the host's disk under /media/, to everyone. Otherwise requests there reach the application, which decides who sees what; see docs/deploying-your-application.md. Default: `false`.",
  );
