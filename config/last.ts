import * as pulumi from "@pulumi/pulumi";

/** What an output of this stack was when it was last deployed; undefined where there is none of that name yet. */
export async function lastOutput(name: string): Promise<unknown> {
  const stack = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  // As `pulumi.StackReference` asks, which would be a resource in the stack's state.
  const answer = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name: stack });
  return answer?.outputs?.[name];
}
