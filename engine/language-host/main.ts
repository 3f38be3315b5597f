// The Node language host: what the engine starts to run a program that is written for Node. It prints the port
// it serves on; the engine's own address is its last argument.
import { flushCompileCache } from "node:module";
import { endWithTheEngine } from "./processes.ts";
import { serve } from "./service.ts";

const engine = process.argv.slice(2).findLast((word) => !word.startsWith("-")) ?? "";
endWithTheEngine();
process.stdout.write(`${await serve(engine)}\n`);
// The engine ends its plugins by force, and Node would keep what it has compiled only at a friendly end.
setTimeout(flushCompileCache, 100).unref();
