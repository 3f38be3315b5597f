import { isIP } from "node:net";

/** An address as the network that holds it alone (RFC 4632). */
export const alone = (address: string): string => `${address}/${isIP(address) === 6 ? 128 : 32}`;

/** An address as it stands in a URL (RFC 3986, section 3.2.2). */
export const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address);
