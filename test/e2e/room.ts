// Visitors of the rooms of examples/channels, as its page is one: they say something now and then, connect again when
// the connection ends, and send again what had no answer.
import { randomBytes } from "node:crypto";
import { WebSocket } from "node:http";
import { until } from "../until.ts";

/** How a connection ended. */
interface End {
  /** Whether it had been open; otherwise the attempt has failed. */
  readonly wasOpen: boolean;
  readonly code: number;
  readonly at: number;
}

export interface Visitor {
  /** The connection that it has now. */
  readonly socket: InstanceType<typeof WebSocket>;
  /** The release that this is with; empty until it is open. */
  readonly by: string;
}

export interface Visitors {
  readonly all: readonly Visitor[];
  /** Has some of them say something, and waits until all of these are answered; how many by which release. */
  answeredBy(some: number): Promise<Map<string, number>>;
  /** The ends that there were since the last time. */
  takeEnds(): End[];
  /** Waits for the last answers; what somebody has not heard, and what was kept twice. */
  close(): Promise<{
    readonly sent: number;
    readonly missing: readonly string[];
    readonly twice: readonly string[];
  }>;
}

const crowds = new Set<() => void>();

/** Sends home what a test that failed has left. */
export function closeRooms(): void {
  for (const leave of crowds) leave();
}

/** How often each says something, in milliseconds. */
const pause = 20_000;

export async function openVisitors(
  site: string,
  { count, rooms }: { readonly count: number; readonly rooms: number },
): Promise<Visitors> {
  const ends: End[] = [];
  // What an earlier crowd has said is kept.
  const run = randomBytes(3).toString("hex");
  const crowd: ReturnType<typeof open>[] = [];
  // Not all at the same moment: this process alone would be too late for most of them on a slow computer.
  while (crowd.length < count) {
    for (let more = Math.min(20, count - crowd.length); more > 0; more--) {
      const index = crowd.length;
      crowd.push(open(site, `${run}-${index % rooms}`, `${run}-v${index}`, ends));
    }
    await until("those who have come to be connected", () => crowd.every(({ by }) => by !== ""));
  }
  const timers = crowd.map((one, index) => {
    let timer = setTimeout(
      () => {
        one.say();
        timer = setInterval(one.say, pause);
      },
      (pause * index) / count,
    );
    return () => clearInterval(timer);
  });
  const leave = () => {
    for (const stop of timers.splice(0)) stop();
    for (const one of crowd) one.leave();
    crowds.delete(leave);
  };
  crowds.add(leave);
  return {
    all: crowd,
    async answeredBy(some) {
      const tokens = crowd.slice(0, some).map((one) => [one, one.say()] as const);
      await until("all who ask to be answered", () => tokens.every(([one, token]) => one.answers.has(token)));
      const answers = new Map<string, number>();
      for (const [one, token] of tokens) {
        const by = one.answers.get(token) ?? "";
        answers.set(by, (answers.get(by) ?? 0) + 1);
      }
      return answers;
    },
    takeEnds: () => ends.splice(0),
    async close() {
      for (const stop of timers.splice(0)) stop();
      const missing = () =>
        crowd.flatMap((one) =>
          crowd
            .filter(({ room }) => room === one.room)
            .flatMap((other) => other.said.filter((token) => !one.isHeard(token)))
            .map((token) => `${one.name}: ${token}`),
        );
      // Those who were away ask for what they have missed when they come back: then there is nothing more to come.
      await until("all to be heard", () => crowd.every((one) => one.said.every(one.isHeard)));
      await until(
        "the rooms to be silent",
        () => missing().length === 0,
        () => missing().slice(0, 20).join("\n"),
      );
      const result = {
        sent: crowd.reduce((sum, { said }) => sum + said.length, 0),
        missing: missing(),
        twice: crowd.flatMap((one) => one.twice()),
      };
      leave();
      return result;
    },
  };
}

function open(site: string, room: string, name: string, ends: End[]) {
  /** Ids of messages by their tokens, and all ids that each token has had. */
  const heard = new Map<string, Set<string>>();
  const unanswered = new Map<string, string>();
  /** The release that each of its own messages was answered by. */
  const answers = new Map<string, string>();
  const said: string[] = [];
  let last = 0;
  let isOver = false;
  let by = "";
  let socket = connect();

  function connect(): InstanceType<typeof WebSocket> {
    const made = new WebSocket(`wss://${site}/rooms/${room}?${last}`, {
      headers: { origin: `https://${site}` },
    });
    made.addEventListener("message", ({ data }) => {
      const { release, message, known } = JSON.parse(`${data}`);
      if (release !== undefined) {
        by = release;
        for (const [token, text] of unanswered) made.send(JSON.stringify({ token, text }));
      }
      if (unanswered.delete(message?.token ?? known)) answers.set(message?.token ?? known, by);
      if (message === undefined) return;
      const ids = heard.get(message.token) ?? new Set();
      heard.set(message.token, ids.add(message.id));
      last = Math.max(last, Number(message.id.split("-")[0]) - 10_000);
    });
    made.addEventListener("close", ({ code }) => {
      if (isOver) return;
      ends.push({ wasOpen: by !== "", code, at: Date.now() });
      by = "";
      // Not all at the same moment, as the page.
      setTimeout(() => {
        if (!isOver) socket = connect();
      }, Math.random() * 2000);
    });
    return made;
  }

  return {
    name,
    room,
    said,
    answers,
    get socket() {
      return socket;
    },
    get by() {
      return by;
    },
    say: () => {
      const token = `${name}-${said.length}`;
      const text = `from ${name}`;
      said.push(token);
      unanswered.set(token, text);
      if (by !== "") socket.send(JSON.stringify({ token, text }));
      return token;
    },
    isHeard: (token: string) => heard.has(token),
    twice: () => [...heard].flatMap(([token, ids]) => (ids.size > 1 ? [`${name}: ${token}`] : [])),
    leave: () => {
      isOver = true;
      socket.close();
    },
  };
}
