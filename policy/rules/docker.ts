import type { Rule } from "../rule.ts";
import { group } from "../values.ts";

/** Who may start containers may mount all of the host in one, and be root there. */
export const dockerGroup: Rule = {
  name: "docker-group",
  description: "No process may use Docker, which is as much as being root on its host.",
  comply:
    "let it start what it needs without Docker, such as a process or a timer of its own; or waive this rule for as long as it has to",
  check({ props }) {
    const step = group(props.environment).BERTH_STEP;
    const lines = typeof step === "string" ? step.split("\n") : [];
    const units = lines.filter((line) => /^\s*SupplementaryGroups=.*\bdocker\b/.test(line));
    return units.length === 0 ? [] : ["a unit of it is in the group docker (groups: [docker])"];
  },
};
