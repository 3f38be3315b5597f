import { Site } from "./components/site/site.ts";
import { lastOutput } from "./config/last.ts";
import { readConfig } from "./config/read.ts";
import { stackOutputs } from "./outputs.ts";

const config = await readConfig();
const site = await Site.open(
  "site",
  config,
  (await lastOutput("data")) as Record<string, string> | undefined,
);

export default stackOutputs(site.outputs);
