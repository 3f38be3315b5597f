import { cachePort } from "./ports.ts";

/** The URL of the cache, given that of the queue: a server of its own, which nothing that empties it leads out of. */
export function cacheUrl(url: string): string {
  const cache = new URL(url);
  cache.port = cachePort(cache.port);
  return cache.href;
}
