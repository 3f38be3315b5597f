/** Where the queue and the cache listen: without TLS on the loopback address, with TLS where other hosts reach them. */
export const ports = {
  queue: { own: 6379, shared: 6380 },
  cache: { own: 6381, shared: 6382 },
} as const;

/** @param shared whether other hosts reach them */
export const portsOf = (shared: boolean): number[] =>
  Object.values(ports).flatMap((one) => (shared ? [one.own, one.shared] : [one.own]));

/** The port of the cache, given that of the queue. */
export const cachePort = (port: string): string =>
  `${port === `${ports.queue.shared}` ? ports.cache.shared : ports.cache.own}`;
