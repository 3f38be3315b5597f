// What names a stack and a host in a command of Berth, for a person to type.
import { firstHost } from "./host.ts";

/** Nothing for the stack 'local', which commands are about where none is named. */
export const stackFlag = (stack: string): string => (stack === "local" ? "" : ` -s ${stack}`);

/** Nothing for the host that serves the site. */
export const hostFlag = (host: string): string => (host === firstHost ? "" : ` --host ${host}`);
