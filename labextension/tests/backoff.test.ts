import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../src/backoff';

test('delays double up to the longest', () => {
  const backoff = new Backoff(500, 15_000, () => 1);
  const delays = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('jitter takes up to half of a delay', () => {
  const backoff = new Backoff(500, 15_000, () => 0);
  assert.deepEqual([backoff.next(), backoff.next()], [250, 500]);
});

test('a success starts again with the first delay', () => {
  const backoff = new Backoff(500, 15_000, () => 1);
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 500);
});
