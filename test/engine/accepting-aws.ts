// A provider named aws that accepts everything and makes nothing: policies look at inputs only. What a resource would
// be is what it is asked to be; a change of its zone or of its name replaces it, any other updates it.
import { type DifferenceKind, type Resource, serve } from "../../engine/plugins/server.ts";

const replacing = ["availabilityZone", "bucket"];

const accepting: Resource = {
  check: async (news) => ({ inputs: news, failures: [] }),
  async diff({ news, oldInputs }) {
    const changed = [...new Set([...Object.keys(news), ...Object.keys(oldInputs)])].filter(
      (key) => JSON.stringify(news[key]) !== JSON.stringify(oldInputs[key]),
    );
    const kind = (key: string): DifferenceKind => (replacing.includes(key) ? "updateReplace" : "update");
    return { changes: new Map(changed.map((key) => [key, kind(key)])), plain: true };
  },
  async create({ inputs, preview }, { name }) {
    // A name that AWS would make up is known when the resource is there, and not before.
    const state = { bucket: `made-for-${name}`, arn: `arn:aws:s3:::made-for-${name}`, ...inputs };
    return preview ? { id: "", state: inputs } : { id: `made-for-${name}`, state };
  },
  update: async ({ inputs, state }) => ({ ...state, ...inputs }),
};

await serve({
  name: "aws",
  version: "7.48.0",
  functions: {
    "aws:index/getAvailabilityZones:getAvailabilityZones": async () => ({
      id: "eu-central-1",
      names: ["eu-central-1a", "eu-central-1b"],
    }),
  },
  resources: new Proxy({}, { get: () => async () => accepting }),
});
