// Files that run at the same time, some at once, the next as soon as one ends.

/** Something to run, when what it needs is there. */
export interface Job<Result> {
  readonly name: string;
  /** What must have ended well before. @default nothing */
  readonly needs?: Promise<unknown>;
  run(): Promise<Result>;
}

/**
 * Runs jobs in their order, `slots` at a time; one whose needs are not there yet lets later ones pass. When the needs
 * of a job fail, the whole fails with their error. When no more may begin, those that wait are left out.
 */
export async function runPool<Result>(
  jobs: readonly Job<Result>[],
  slots: number,
  onEnd: (result: Result) => void,
  signal?: AbortSignal,
  mayBegin: () => boolean = () => true,
): Promise<void> {
  const waiting = [...jobs];
  const ready = new Set<Job<Result>>();
  let running = 0;
  await new Promise<void>((resolve, reject) => {
    const next = () => {
      if (signal?.aborted || !mayBegin()) waiting.length = 0;
      while (running < slots) {
        const index = waiting.findIndex((job) => ready.has(job));
        if (index < 0) break;
        const [job] = waiting.splice(index, 1) as [Job<Result>];
        running += 1;
        job
          .run()
          .then(onEnd)
          .then(() => {
            running -= 1;
            next();
          })
          .catch(reject);
      }
      if (running === 0 && waiting.length === 0) resolve();
    };
    for (const job of jobs) {
      if (job.needs === undefined) ready.add(job);
      else
        job.needs.then(() => {
          ready.add(job);
          next();
        }, reject);
    }
    signal?.addEventListener("abort", next, { once: true });
    next();
  });
}
