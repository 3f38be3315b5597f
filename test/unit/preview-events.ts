// What the engine says of a preview, as tests of its report read it.
type Inputs = Readonly<Record<string, unknown>>;

/** The events of a preview that looks at one resource. */
export function event(
  op: string,
  type: string,
  name: string,
  old?: Inputs,
  next?: Inputs,
  more: Inputs = {},
): string {
  const urn = `urn:pulumi:shop::berth::${type}::${name}`;
  const state = (inputs: Inputs | undefined) =>
    inputs && { type, urn, custom: !type.startsWith("berth:"), inputs, ...more };
  const keys = [...new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])];
  const diffs = keys.filter((key) => JSON.stringify(old?.[key]) !== JSON.stringify(next?.[key]));
  const metadata = { op, urn, type, old: state(old), new: state(next), diffs };
  return JSON.stringify({ resourcePreEvent: { metadata } });
}
