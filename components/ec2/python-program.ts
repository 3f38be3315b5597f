import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StepFile } from "../host/step.ts";

const text = (file: string): StepFile => ({ content: readFileSync(join(import.meta.dirname, file), "utf8") });

/**
 * A program of this folder's as the files of a step: a directory that Python runs (`python3 -I DIRECTORY`), with what
 * programs share beside it. Each has its own copy, so that a step that goes takes nothing from another.
 */
export const pythonProgram = (directory: string, program: string): Record<string, StepFile> => ({
  [`${directory}/__main__.py`]: text(program),
  [`${directory}/instance.py`]: text("instance.py"),
});
