// As reader.py, with the package for TypeScript: reader.ts STACKS ASKED.
import * as pulumi from "@pulumi/pulumi";
import { BerthStack, type OutputName } from "../../packages/outputs/index.ts";

const [stacks, asked] = process.argv.slice(2).map((text) => JSON.parse(text));
// The engine would end the program by the first; here others are to be read.
process.on("unhandledRejection", () => {});
await pulumi.runtime.setMocks({
  newResource: ({ name, inputs }) => ({
    id: name,
    state: { ...inputs, outputs: stacks[name], secretOutputNames: [] },
  }),
  call: () => ({}),
});

async function read(stack: string, what: string) {
  const shop = new BerthStack(stack);
  const [name = "", required] = what.split(":").reverse();
  const output = required ? shop.require(name as OutputName) : shop[name as OutputName];
  try {
    const { promise } = output as unknown as { promise(): Promise<unknown> };
    return { value: (await promise.call(output)) ?? null, secret: await pulumi.isSecret(output) };
  } catch (error) {
    if (!pulumi.RunError.isInstance(error)) throw error;
    return { error: error.message };
  }
}

const said: unknown[] = [];
for (const [stack, what] of asked) said.push(await read(stack, what));
console.log(JSON.stringify(said));
