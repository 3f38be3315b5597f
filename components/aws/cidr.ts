import { isIP } from "node:net";

/** A network of addresses. */
export interface Cidr {
  readonly family: 4 | 6;
  /** Its first address as a number. */
  readonly first: bigint;
  /** How many bits all its addresses share. */
  readonly bits: number;
  /** Its one spelling (RFC 5952 for IPv6), which AWS shows and compares with, such as `2001:db8::/32`. */
  readonly text: string;
  /** Whether the text that it was read from named its first address, as AWS wants it. */
  readonly exact: boolean;
}

/** Reads `ADDRESS/BITS`; undefined when it is no network. Bits of the address beyond the network's are dropped. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", rest] = text.split("/");
  const family = isIP(address);
  if (rest !== undefined || (family !== 4 && family !== 6) || !/^\d{1,3}$/.test(length)) return undefined;
  const whole = family === 4 ? 32 : 128;
  const bits = Number(length);
  const number = family === 4 ? fromIpv4(address) : fromIpv6(address);
  if (bits > whole || number === undefined) return undefined;
  const free = BigInt(whole - bits);
  const first = (number >> free) << free;
  return { family, first, bits, text: `${spelled(family, first)}/${bits}`, exact: first === number };
}

/** One of the equal parts of an IPv4 network, counted from 0, when it is cut into 2 to the power of `cuts`. */
export function partOf(network: Cidr, cuts: number, index: number): string {
  const bits = network.bits + cuts;
  return `${spelled(4, network.first + (BigInt(index) << BigInt(32 - bits)))}/${bits}`;
}

function fromIpv4(address: string): bigint {
  return address.split(".").reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

function fromIpv6(address: string): bigint | undefined {
  // An address of one interface (`fe80::1%eth0`) is no URL's.
  if (!URL.canParse(`http://[${address}]`)) return undefined;
  const [left = "", right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const head = groups(left);
  const tail = groups(right ?? "");
  const middle = Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...middle, ...tail].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

function spelled(family: 4 | 6, address: bigint): string {
  const [size, count] = family === 4 ? [8n, 4] : [16n, 8];
  const parts = Array.from(
    { length: count },
    (_, index) => (address >> (size * BigInt(count - 1 - index))) & ((1n << size) - 1n),
  );
  if (family === 4) return parts.join(".");
  const whole = parts.map((part) => part.toString(16)).join(":");
  return new URL(`http://[${whole}]`).hostname.slice(1, -1);
}
