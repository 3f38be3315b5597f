// Scans a site with Mozilla's HTTP Observatory, and prints what it found as JSON: observatory-scan.ts MODULE NAME ADDRESS.
// No name server knows the names of tests, so the name is looked up here.
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

const [module = "", name = "", address = ""] = process.argv.slice(2);
const lookup = dns.lookup;
dns.lookup = Object.assign((host: string, options: unknown, answer: unknown) => {
  const where = host === name ? address : host;
  return (lookup as (...args: unknown[]) => void)(where, options, answer);
}, lookup);
syncBuiltinESMExports();
const { scan } = (await import(module)) as { scan(name: string): Promise<unknown> };
console.log(JSON.stringify(await scan(name)));
