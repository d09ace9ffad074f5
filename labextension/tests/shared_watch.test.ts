import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedWatches } from '../src/shared_watch';
import type { DisplayInfo, Problem, Watcher } from '../src/types';

const RUNNING: DisplayInfo = {
  id: 'd1',
  name: 'main',
  state: 'running',
  display: ':1',
  size: [1280, 720],
};
const ENDED: DisplayInfo = { ...RUNNING, state: 'ended' };
const GONE: Problem = { message: 'gone' };

/** The page's streams of news; each can be spoken through. */
class Streams {
  readonly watches = new SharedWatches();
  readonly opened: Watcher[] = [];
  closed = 0;

  watch(display = 'd1'): { heard: string[]; leave: () => void } {
    const heard: string[] = [];
    const watcher: Watcher = {
      info: ({ state }) => heard.push(state),
      gone: ({ message }) => heard.push(message),
    };
    const leave = this.watches.watch(display, watcher, (all) => {
      this.opened.push(all);
      return () => (this.closed += 1);
    });
    return { heard, leave };
  }

  say(info: DisplayInfo): void {
    this.opened.at(-1)?.info(info);
  }
}

const settled = (): Promise<void> => Promise.resolve();

test('all views of a display hear the same stream, those of another have their own', () => {
  const streams = new Streams();
  const [first, second] = [streams.watch(), streams.watch()];
  const other = streams.watch('d2');
  assert.equal(streams.opened.length, 2);
  streams.opened[0]?.info(RUNNING);
  streams.opened[0]?.info(RUNNING); // also after a loss: whoever opened it tries again
  assert.deepEqual(
    [first.heard, second.heard, other.heard],
    [['running', 'running'], ['running', 'running'], []],
  );
});

test('who comes later hears the newest at once, but not inside of the call', async () => {
  const streams = new Streams();
  streams.watch();
  streams.say(RUNNING);
  const late = streams.watch();
  assert.deepEqual(late.heard, []);
  await settled();
  assert.deepEqual(late.heard, ['running']);
});

test('who leaves at once hears nothing', async () => {
  const streams = new Streams();
  streams.watch();
  streams.say(RUNNING);
  const late = streams.watch();
  late.leave();
  await settled();
  assert.deepEqual(late.heard, []);
});

test('the last one closes the stream, and the next one opens another', () => {
  const streams = new Streams();
  const [first, second] = [streams.watch(), streams.watch()];
  first.leave();
  first.leave();
  assert.equal(streams.closed, 0);
  second.leave();
  assert.equal(streams.closed, 1);
  streams.watch();
  assert.equal(streams.opened.length, 2);
});

test('that a display is gone reaches all; who tries again asks anew', () => {
  const streams = new Streams();
  const [first, second] = [streams.watch(), streams.watch()];
  streams.opened[0]?.gone(GONE);
  assert.deepEqual([first.heard, second.heard], [['gone'], ['gone']]);
  const again = streams.watch();
  assert.equal(streams.opened.length, 2);
  first.leave();
  second.leave();
  streams.say(RUNNING);
  assert.deepEqual(again.heard, ['running']);
  assert.equal(streams.closed, 1);
});

test('what has ended is told, and asked for anew by who comes later', async () => {
  const streams = new Streams();
  const first = streams.watch();
  streams.say(ENDED);
  assert.deepEqual(first.heard, ['ended']);
  const late = streams.watch();
  await settled();
  assert.deepEqual([streams.opened.length, late.heard], [2, []]);
});
