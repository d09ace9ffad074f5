import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../src/backoff';
import { Connection, GRACE_MS, type Phase } from '../src/connection';
import { CLOSED_NO_SUCH_DISPLAY, type DisplayInfo, type Problem } from '../src/types';

const LOST = { code: 1006, reason: '', opened: true };
const RUNNING: DisplayInfo = {
  id: 'd1',
  name: 'main',
  state: 'running',
  display: ':1',
  size: [1280, 720],
};

/** A connection with a channel that only counts, and a clock that only moves when told. */
class Bench {
  opens = 0;
  closes = 0;
  why: Problem | null = null;
  readonly phases: Phase[] = [];
  readonly connection: Connection;
  private timers: { at: number; callback: () => void }[] = [];
  private now = 0;

  constructor(isWindow = false) {
    this.connection = new Connection(
      {
        open: () => (this.opens += 1),
        close: () => (this.closes += 1),
        explain: () => Promise.resolve(this.why),
        after: (delayMs, callback) => {
          const timer = { at: this.now + delayMs, callback };
          this.timers.push(timer);
          return () => (this.timers = this.timers.filter((other) => other !== timer));
        },
      },
      (phase) => this.phases.push(phase),
      new Backoff(500, 15_000, () => 1),
      isWindow,
    );
  }

  get kind(): string {
    return this.connection.phase.kind;
  }

  connect(): this {
    this.connection.setInfo(RUNNING);
    this.connection.setVisible(true);
    this.connection.opened();
    return this;
  }

  pass(delayMs: number): void {
    this.now += delayMs;
    const due = this.timers.filter(({ at }) => at <= this.now);
    this.timers = this.timers.filter(({ at }) => at > this.now);
    for (const { callback } of due) {
      callback();
    }
  }
}

test('it connects when it is seen, and not before', () => {
  const bench = new Bench();
  assert.equal(bench.opens, 0);
  bench.connection.setVisible(true);
  assert.equal(bench.opens, 1);
  assert.equal(bench.kind, 'connecting');
  bench.connection.opened();
  assert.equal(bench.kind, 'connected');
});

test('a view that begins out of sight is paused at once', () => {
  const bench = new Bench();
  bench.connection.setVisible(false);
  assert.equal(bench.kind, 'paused');
  assert.equal(bench.opens, 0);
});

test('out of sight it is closed after a while, and resumes at once', () => {
  const bench = new Bench().connect();
  bench.connection.setVisible(false);
  bench.pass(GRACE_MS - 1);
  assert.equal(bench.kind, 'connected');
  bench.pass(1);
  assert.equal(bench.kind, 'paused');
  assert.equal(bench.closes, 1);
  bench.connection.setVisible(true);
  assert.equal(bench.opens, 2);
});

test('scrolling past does not interrupt it', () => {
  const bench = new Bench().connect();
  bench.connection.setVisible(false);
  bench.pass(GRACE_MS / 2);
  bench.connection.setVisible(true);
  bench.pass(GRACE_MS);
  assert.equal(bench.kind, 'connected');
  assert.equal(bench.closes, 0);
});

test('after a loss it tries again, later and later', () => {
  const bench = new Bench().connect();
  for (const delayMs of [500, 1000, 2000]) {
    bench.connection.lost(LOST);
    assert.equal(bench.kind, 'waiting');
    const { opens } = bench;
    bench.pass(delayMs - 1);
    assert.equal(bench.opens, opens);
    bench.pass(1);
    assert.equal(bench.opens, opens + 1);
  }
});

test('a first frame starts the delays again', () => {
  const bench = new Bench().connect();
  bench.connection.lost(LOST);
  bench.pass(500);
  bench.connection.opened();
  bench.connection.lost(LOST);
  bench.pass(500);
  assert.equal(bench.kind, 'connecting');
});

test('a click tries at once', () => {
  const bench = new Bench().connect();
  bench.connection.lost(LOST);
  bench.connection.retryNow();
  assert.equal(bench.opens, 2);
  bench.pass(500);
  assert.equal(bench.opens, 2);
});

test('it says why, and goes on saying it while it tries', async () => {
  const bench = new Bench().connect();
  bench.why = { message: 'The Jupyter server does not answer.' };
  bench.connection.lost(LOST);
  await Promise.resolve();
  bench.pass(500);
  const { phase } = bench.connection;
  assert.ok(phase.kind === 'connecting' && phase.problem === bench.why);
});

test('it gives up where trying again cannot help', async () => {
  const bench = new Bench().connect();
  bench.why = { message: 'No such display.', final: true };
  bench.connection.lost(LOST);
  await Promise.resolve();
  assert.equal(bench.kind, 'gone');
  bench.pass(60_000);
  assert.equal(bench.opens, 1);
});

test('close code 4404 means that the display is gone', () => {
  const bench = new Bench().connect();
  bench.connection.lost({ code: CLOSED_NO_SUCH_DISPLAY, reason: '', opened: true });
  assert.equal(bench.kind, 'gone');
  bench.connection.retryNow();
  assert.equal(bench.kind, 'connecting');
});

test('a window that has closed is over, and no fault; it may come back', () => {
  const bench = new Bench(true).connect();
  bench.connection.lost({ code: CLOSED_NO_SUCH_DISPLAY, reason: '', opened: true });
  assert.equal(bench.kind, 'over');
  bench.pass(60_000);
  assert.equal(bench.opens, 1);
  bench.connection.setOver(false);
  assert.equal(bench.kind, 'connecting');
  bench.connection.opened();
  bench.connection.setOver(true);
  assert.equal(bench.kind, 'over');
  assert.equal(bench.closes, 1);
});

test('when the display ends, its reason, fix and log are told', () => {
  const bench = new Bench().connect();
  const end = { reason: 'The X server was killed.', fix: 'Run %xdisplay.', log: ['(EE) ouch'] };
  bench.connection.setInfo({ ...RUNNING, state: 'ended', ...end });
  const { phase } = bench.connection;
  assert.ok(phase.kind === 'ended');
  assert.deepEqual(phase.problem, {
    message: end.reason,
    fix: end.fix,
    log: end.log,
  });
  assert.equal(bench.closes, 1);
});

test('the end of the display is told also when the channel ends first', () => {
  const bench = new Bench().connect();
  bench.connection.lost(LOST);
  bench.connection.setInfo({ ...RUNNING, state: 'ended', reason: 'It was stopped.' });
  assert.equal(bench.kind, 'ended');
  bench.pass(60_000);
  assert.equal(bench.opens, 1);
});

test('a parked display is not streamed, and comes back by itself', () => {
  const bench = new Bench().connect();
  bench.connection.setInfo({ ...RUNNING, state: 'parked' });
  assert.equal(bench.kind, 'parked');
  assert.equal(bench.closes, 1);
  bench.connection.setInfo(RUNNING);
  assert.equal(bench.opens, 2);
});

test('a closed view does not stream until it is shown again', () => {
  const bench = new Bench().connect();
  bench.connection.setWanted(false);
  assert.equal(bench.kind, 'closed');
  assert.equal(bench.closes, 1);
  bench.connection.setWanted(true);
  assert.equal(bench.opens, 2);
});

test('after its end nothing happens any more', () => {
  const bench = new Bench().connect();
  bench.connection.lost(LOST);
  bench.connection.dispose();
  bench.pass(60_000);
  assert.equal(bench.opens, 1);
});
