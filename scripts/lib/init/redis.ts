// What settings say of Redis that goes wrong without a word: a cache in the place of the queue, and an address without a password.
import type { Module } from "./python.ts";

/** What is kept in Redis and must not be lost. */
const queue = /^(CELERY_)?BROKER_URL$|^RQ_QUEUES$|^HUEY$|^CHANNEL_LAYERS$|^DRAMATIQ_BROKER$|^Q_CLUSTER$/;

/** What to look at, as sentences. */
export function redisDoubts(settings: readonly Module[]): string[] {
  const all = settings.flatMap(({ path, assigns }) => assigns.map((one) => ({ ...one, path })));
  const cache = all.find(({ name, source }) => name === "CACHES" && /redis/i.test(source));
  const places = new Set(cache === undefined ? [] : placesIn(cache.source));
  const shared = all
    .filter(({ name }) => queue.test(name))
    .flatMap(({ name, source }) => {
      const both = placesIn(source).find((one) => places.has(one));
      return both === undefined
        ? []
        : [`CACHES (${cache?.path}:${cache?.line}) and ${name} both use ${both}`];
    });
  const open = all
    .filter(({ source }) => /^["']redis:\/\/(localhost|127\.0\.0\.1|redis)\b[^@]*$/.test(source.trim()))
    .map(({ name, path, line }) => `${name} (${path}:${line})`);
  return [
    ...shared
      .slice(0, 1)
      .map(
        (one) =>
          `${one}, so cache.clear() would empty the queue. Let CACHES read CACHE_URL, which Berth gives: a Redis of its own.`,
      ),
    ...(open.length === 0
      ? []
      : [
          `${open.join(", ")} names a Redis that asks for no password. Read REDIS_URL, which Berth gives; if the code must stay as it is, write berth:redis with password: none.`,
        ]),
  ];
}

/** Names of settings and variables that tell where Redis is. */
const placesIn = (source: string): string[] => source.match(/\b\w*REDIS\w*(URL|URI|LOCATION)\b/g) ?? [];
