// Deploys an application in its plainest form and puts its stack aside: deploy.ts PLACE APP. Called by saved.ts, which
// holds the lock.
import { existsSync } from "node:fs";
import { withStack } from "./harness.ts";
import { save } from "./saved.ts";

const [place, app] = process.argv.slice(2) as [string, string];
if (!existsSync(place)) {
  const cleaning: (() => void | Promise<void>)[] = [];
  try {
    const stack = await withStack({ after: (clean) => cleaning.unshift(clean) }, { app });
    await stack.succeed();
    await stack.on("systemctl is-system-running --wait");
    save(place, stack);
  } finally {
    for (const clean of cleaning) await clean();
  }
}
