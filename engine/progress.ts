/** One long piece of work that a person is waiting for. */
export interface Step {
  /** Says that it is finished and how long it took. */
  done(result?: string): void;
  /** Ends it without a word; the error that follows says why. */
  failed(): void;
}

/** How the parts that take long tell the person who waits what they are at. */
export interface Progress {
  /** Begins a step. Until it ends, a line says every so often how long it has been going. */
  step(text: string): Step;
  /** One line about something that is over at once. */
  note(text: string): void;
}

/** Milliseconds between two lines about the same step. */
const interval = 15_000;

const seconds = (since: number) => {
  const all = (performance.now() - since) / 1000;
  if (all < 10) return `${all.toFixed(1)} s`;
  return all < 60 ? `${Math.round(all)} s` : `${Math.floor(all / 60)} min ${Math.round(all % 60)} s`;
};

/**
 * Progress as plain lines on stderr: it reads the same on a terminal and in a CI log, and stdout stays free for
 * what a command answers.
 */
export function lineProgress(
  write: (line: string) => void = (line) => process.stderr.write(line),
  every = interval,
): Progress {
  const say = (text: string) => write(`berth: ${text}\n`);
  return {
    note: say,
    step(text) {
      const begin = performance.now();
      say(text);
      const timer = setInterval(() => say(`  … still at it after ${seconds(begin)}`), every);
      timer.unref();
      return {
        done(result = "done") {
          clearInterval(timer);
          say(`  ${result} in ${seconds(begin)}`);
        },
        failed() {
          clearInterval(timer);
        },
      };
    },
  };
}

/** Progress for callers that want none, such as tests. */
export const silent: Progress = { note() {}, step: () => ({ done() {}, failed() {} }) };
