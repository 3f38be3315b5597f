import { randomBytes, randomInt } from "node:crypto";
import { type Attribute, type Bridged, bridged } from "../bridged.ts";
import type { Properties, Value } from "../values.ts";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

const keepers: Attribute = { type: "map" };
const flag: Attribute = { type: "boolean", default: true };
const atLeast = (least: number) => (value: Value) =>
  Number(value) >= least ? undefined : `must be at least ${least}; it is ${value}`;
const least: Attribute = { type: "number", default: 0, valid: atLeast(0) };

const text: Pick<Bridged, "attributes" | "absent" | "normalize" | "valid"> = {
  attributes: {
    keepers,
    length: { type: "number", required: true, valid: atLeast(1) },
    lower: flag,
    upper: flag,
    number: flag,
    numeric: flag,
    special: flag,
    minLower: least,
    minUpper: least,
    minNumeric: least,
    minSpecial: least,
    overrideSpecial: { type: "string" },
  },
  absent: { keepers: null, overrideSpecial: null },
  // `number` is the old name of `numeric`: they are always the same.
  normalize: (inputs) => {
    const numeric = inputs.numeric ?? inputs.number ?? true;
    return { ...inputs, number: numeric, numeric };
  },
  valid(inputs) {
    const property = "length";
    if ((inputs.number ?? inputs.numeric) !== (inputs.numeric ?? inputs.number)) {
      return [{ property: "number", reason: "'number' and 'numeric' differ; use 'numeric' alone" }];
    }
    const classes = [inputs.lower, inputs.upper, inputs.numeric ?? inputs.number, inputs.special];
    if (classes.every((wanted) => wanted === false)) {
      return [{ property, reason: "at least one of 'special', 'upper', 'lower', 'numeric' must be true" }];
    }
    const counts = [inputs.minLower, inputs.minUpper, inputs.minNumeric, inputs.minSpecial];
    const sum = counts.reduce<number>((total, count) => total + Number(count ?? 0), 0);
    if (Number(inputs.length) >= sum || Number.isNaN(Number(inputs.length))) return [];
    return [
      {
        property,
        reason: `'length' must be at least the sum of the minimums, ${sum}; it is ${inputs.length}`,
      },
    ];
  },
};

/** A text of random characters: the minimum of each class, the rest from all classes together, shuffled. */
function randomText(planned: Properties): string {
  const special = typeof planned.overrideSpecial === "string" ? planned.overrideSpecial : SPECIAL;
  const pick = (characters: string, count: number) =>
    Array.from({ length: count }, () => characters[randomInt(characters.length)] as string);
  const all = [
    planned.upper ? UPPER : "",
    planned.lower ? LOWER : "",
    planned.numeric ? DIGITS : "",
    planned.special ? special : "",
  ].join("");
  const picked = [
    ...pick(DIGITS, Number(planned.minNumeric)),
    ...pick(LOWER, Number(planned.minLower)),
    ...pick(UPPER, Number(planned.minUpper)),
    ...pick(special, Number(planned.minSpecial)),
  ];
  const rest = Number(planned.length) - picked.length;
  if (rest > 0 && all === "")
    throw new Error("the character set is empty: 'overrideSpecial' holds no character");
  picked.push(...pick(all, rest));
  for (let index = picked.length - 1; index > 0; index--) {
    const other = randomInt(index + 1);
    [picked[index], picked[other]] = [picked[other] as string, picked[index] as string];
  }
  return picked.join("");
}

export const resources = {
  password: bridged("RandomPassword", {
    ...text,
    schemaVersion: 3,
    outputs: { id: "plain", result: "secret", bcryptHash: "secret" },
    async create(planned) {
      const { genSalt, hash } = await import("bcryptjs");
      const result = randomText(planned);
      // The real provider's hashes carry the older of two names for the same algorithm.
      const salt = (await genSalt(10)).replace(/^\$2b/, "$2a");
      return { id: "none", outputs: { id: "none", result, bcryptHash: await hash(result, salt) } };
    },
  }),

  string: bridged("RandomString", {
    ...text,
    schemaVersion: 2,
    outputs: { id: "plain", result: "plain" },
    async create(planned) {
      const result = randomText(planned);
      return { id: result, outputs: { id: result, result } };
    },
  }),

  id: bridged("RandomId", {
    attributes: {
      keepers,
      byteLength: { type: "number", required: true, valid: atLeast(1) },
      prefix: { type: "string" },
    },
    absent: { keepers: null, prefix: null },
    outputs: { id: "plain", b64Std: "plain", b64Url: "plain", dec: "plain", hex: "plain" },
    async create(planned) {
      const bytes = randomBytes(Number(planned.byteLength));
      const prefix = String(planned.prefix ?? "");
      const id = bytes.toString("base64url");
      return {
        id,
        outputs: {
          id,
          b64Std: prefix + bytes.toString("base64"),
          b64Url: prefix + id,
          dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
          hex: prefix + bytes.toString("hex"),
        },
      };
    },
  }),

  bytes: bridged("RandomBytes", {
    attributes: { keepers, length: { type: "number", required: true, valid: atLeast(1) } },
    absent: { keepers: null },
    outputs: { base64: "secret", hex: "secret" },
    async create(planned) {
      const bytes = randomBytes(Number(planned.length));
      const base64 = bytes.toString("base64");
      return { id: base64, outputs: { base64, hex: bytes.toString("hex") } };
    },
  }),

  uuid: bridged("RandomUuid", {
    attributes: { keepers },
    absent: { keepers: null },
    outputs: { id: "plain", result: "plain" },
    async create() {
      // All 128 bits are random, as the real provider makes them: no version bits.
      const result = randomBytes(16)
        .toString("hex")
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
      return { id: result, outputs: { id: result, result } };
    },
  }),
};
