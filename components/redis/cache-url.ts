/** The URL of Redis for caches: a database of its own, so that clearing a cache takes no task of a queue away. */
export function cacheUrl(url: string): string {
  const cache = new URL(url);
  cache.pathname = "/1";
  return cache.href;
}
