import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";

/**
 * How one part of the stack looks at a machine that the user has, before anything is made on it. It changes nothing, and
 * what the part itself has left there in an earlier run is not in its way.
 */
export interface Look {
  /** Path of the shell script, or of several; they use the functions of `components/host/look.sh`. */
  readonly script: string | readonly string[];
  /** Values for the slots of these scripts; no two looks share a name. @default none */
  readonly slots?: Readonly<Record<string, pulumi.Input<string | number>>>;
}

const here = (file: string) => join(import.meta.dirname, file);

/** The look at a machine that every host gets, with more of them for one that the user has: its scripts and slots. */
export function lookAt(
  looks: readonly Look[],
): Required<Pick<Look, "slots">> & { script: readonly string[] } {
  return {
    script: [here("look.sh"), ...looks.flatMap(({ script }) => script), here("look-end.sh")],
    slots: Object.assign({}, ...looks.map(({ slots }) => slots)),
  };
}
