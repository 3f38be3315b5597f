import assert from "node:assert/strict";
import { test } from "node:test";
import { noticesSince, type Status, statusText } from "../../scripts/lib/releases.ts";

const status: Status = {
  application: "shop",
  live: "bbbbbbbbbb-0001.a1b2c3",
  instances: [
    {
      instance: "bbbbbbbbbb-0001.a1b2c3",
      release: "bbbbbbbbbb-0001",
      state: "live",
      since: 1_700_000_000,
      reason: null,
      units: [
        { unit: "shop-web@bbbbbbbbbb-0001.a1b2c3.service", state: "active (running)", restarts: 0 },
        { unit: "shop-worker@bbbbbbbbbb-0001.a1b2c3.service", state: "active (running)", restarts: 2 },
      ],
    },
    {
      instance: "cccccccccc-0001.a1b2c3",
      release: "cccccccccc-0001",
      state: "failed",
      since: 1,
      reason: "bad",
      units: [],
    },
  ],
  releases: ["bbbbbbbbbb-0001", "aaaaaaaaaa-0001"].map((release) => ({
    release,
    state: "proven",
    since: 1,
    commit: null,
    server: "gunicorn",
    released_at: null,
    kept: true,
  })),
  history: [
    {
      at: "2026-01-02T03:04:05Z",
      who: "berth",
      address: "192.0.2.1",
      from: "aaaaaaaaaa-0001",
      to: "cccccccccc-0001",
      commit: null,
      seconds: 3,
      result: "failed",
      reason: "it is unhealthy",
    },
  ],
};

test("the state of each instance that runs is shown with its units, then what is live and what is kept", () => {
  assert.equal(
    statusText(status),
    `2026-01-02T03:04:05Z  failed    aaaaaaaaaa-0001 -> cccccccccc-0001, 3 s, by berth from 192.0.2.1
    it is unhealthy

bbbbbbbbbb-0001.a1b2c3: live since 2023-11-14T22:13:20Z
    shop-web@bbbbbbbbbb-0001.a1b2c3.service: active (running)
    shop-worker@bbbbbbbbbb-0001.a1b2c3.service: active (running), restarted 2 times
live: bbbbbbbbbb-0001
kept: aaaaaaaaaa-0001 (berth:app.release rolls back)`,
  );
});

test("what a healthy release has left to know stands below its entry, and is told by the command that made it", () => {
  const [failed] = status.history;
  const notices = ["its log has an exception: KeyError: 'x' (shop/views.py, line 3, in cart)"];
  const entry = { ...failed, at: "2026-01-02T03:05:00Z", result: "release", reason: null, notices };
  const history = [...status.history, entry] as typeof status.history;
  assert.match(
    statusText({ ...status, history }),
    /03:05:00Z {2}release {3}\S+ -> \S+, 3 s, by berth from 192\.0\.2\.1\n {4}its log has an exception: KeyError/,
  );
  assert.deepEqual(noticesSince({ ...status, history }, new Date("2026-01-02T03:05:00.9Z")), notices);
  assert.deepEqual(noticesSince({ ...status, history }, new Date("2026-01-02T03:06:00Z")), []);
  assert.deepEqual(noticesSince(status, new Date(0)), []);
});

test("a host without a release says so", () => {
  assert.equal(
    statusText({ ...status, live: null, instances: [], releases: [], history: [] }),
    "\nlive: none",
  );
});
