import { join } from "node:path";
import { pythonWith } from "../../scripts/lib/python.ts";

/** The folder with the programs of a Python that has Pulumi's SDK, made once for this user. */
export const pulumiPython = (): Promise<string> =>
  pythonWith(join(import.meta.dirname, "python-requirements.txt"), "pulumi-python");
