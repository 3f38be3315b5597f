import { Site } from "./components/site/site.ts";
import { readConfig } from "./config/read.ts";
import { stackOutputs } from "./outputs.ts";

const site = await Site.openChecked("site", await readConfig());

export default stackOutputs(site.outputs);
