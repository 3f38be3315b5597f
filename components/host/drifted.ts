// Which steps of the stack have been undone by hand on their hosts. Those who run the engine know it, when they have looked:
// scripts/lib/drift. By itself the program looks at no host.
import { createConnection } from "node:net";
import type * as pulumi from "@pulumi/pulumi";
import type { stepVariables } from "./step.ts";

/** The environment variable with the path of the socket that tells them, once the look is over. */
export const driftVariable = "BERTH_DRIFT";

let drifted: Readonly<Record<string, string>> = {};

/** Learns it, before any step is made. Where nobody has looked, or does not say, no step has been undone. */
export async function learnDrift(): Promise<void> {
  const path = process.env[driftVariable];
  if (path !== undefined) drifted = JSON.parse((await allOf(path)) || "{}") as Record<string, string>;
}

function allOf(path: string): Promise<string> {
  return new Promise((settle) => {
    let text = "";
    const socket = createConnection(path);
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    socket.once("end", () => settle(text)).once("error", () => settle(""));
  });
}

/**
 * What makes the engine run a step again: a word in one of its inputs. Whatever is there from the last time stays, so that
 * only a new word is a change: a step that has been put right is left alone by the next deployment.
 *
 * @param input the path of the input
 */
export function again(
  step: string,
  input: `environment.${typeof stepVariables.again}` | "update",
): { readonly word: string | undefined; readonly options: pulumi.CustomResourceOptions } {
  const word = drifted[step];
  return { word, options: word === undefined ? { ignoreChanges: [input] } : {} };
}
