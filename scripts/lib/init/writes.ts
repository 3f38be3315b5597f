// Where an application writes files of its own: a release is read only.
import type { Project } from "./project.ts";
import { textIn } from "./python.ts";

const writers = /(^|\.)(os\.mkdir|os\.makedirs|makedirs|mkdir|(Rotating|TimedRotating|Watched)?FileHandler)$/;

/** The lines that write to a path in the application's own directory, as far as it is written there as text. */
export const readWrites = (project: Project): string[] =>
  project.having(/mkdir|makedirs|FileHandler\(/).flatMap(({ path, calls }) =>
    calls.flatMap(({ name, args, keywords, line }) => {
      const target = textIn(args[0] ?? keywords.filename);
      const isOwn = target !== undefined && target !== "" && !/^[/~]/.test(target);
      return writers.test(name) && isOwn && !/(^|\/)management\//.test(path)
        ? [`${path}:${line} (${target})`]
        : [];
    }),
  );
