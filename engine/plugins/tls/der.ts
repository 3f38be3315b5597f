// As much of ASN.1's DER (X.690) as certificates need.

export function der(tag: number, ...content: (Buffer | Uint8Array)[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).replace(/^(.(..)*)$/, "0$1"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

export const sequence = (...items: Buffer[]): Buffer => der(0x30, ...items);
/** A set's members are sorted by their encoding. */
export const setOf = (...items: Buffer[]): Buffer => der(0x31, ...items.sort(Buffer.compare));
export const explicit = (number: number, content: Buffer): Buffer => der(0xa0 | number, content);
export const octets = (content: Buffer): Buffer => der(0x04, content);
export const TRUE = Buffer.from([0x01, 0x01, 0xff]);
export const NULL = Buffer.from([0x05, 0x00]);

/** A positive integer of any size. */
export function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return der(0x02, (trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

export function bitString(content: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), content);
}

/** A list of named bits, without the zeros at its end. */
export function bits(set: readonly number[]): Buffer {
  const last = Math.max(...set);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of set) {
    const index = Math.floor(bit / 8);
    bytes[index] = (bytes[index] ?? 0) | (0x80 >> (bit % 8));
  }
  return der(0x03, Buffer.from([7 - (last % 8)]), bytes);
}

/** Text in the narrowest of the usual kinds: PrintableString where its letters suffice, or else UTF8String. */
export function text(value: string): Buffer {
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value);
  return der(printable ? 0x13 : 0x0c, Buffer.from(value, "utf8"));
}

export const ia5 = (value: string): Buffer => der(0x16, Buffer.from(value, "latin1"));

/** UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits));
}
