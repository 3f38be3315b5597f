import { learnDrift } from "./components/host/drifted.ts";
import { Site } from "./components/site/site.ts";
import { byKeys } from "./config/keys.ts";
import { lastOutput } from "./config/last.ts";
import { readConfig } from "./config/read.ts";
import { stackOutputs } from "./outputs.ts";

await learnDrift();
const config = await readConfig();
const before = (await lastOutput("data")) as Record<string, string> | undefined;
const site = await byKeys(Site.openChecked("site", config, {}, before));

export default stackOutputs(site.outputs);
