import { Address4, Address6 } from "ip-address";
import { isCidr } from "../service/forms.ts";

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
  if (!isCidr(text)) return undefined;
  const [family, address] = text.includes(":")
    ? ([6, new Address6(text)] as const)
    : ([4, new Address4(text)] as const);
  const bits = address.subnetMask;
  const start = address.startAddress();
  const first = start.bigInt();
  return { family, first, bits, text: `${start.correctForm()}/${bits}`, exact: first === address.bigInt() };
}

/** One of the equal parts of an IPv4 network, counted from 0, when it is cut into 2 to the power of `cuts`. */
export function partOf(network: Cidr, cuts: number, index: number): string {
  const bits = network.bits + cuts;
  const first = network.first + (BigInt(index) << BigInt(32 - bits));
  return `${Address4.fromBigInt(first).correctForm()}/${bits}`;
}
