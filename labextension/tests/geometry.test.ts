import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPixelExact, scaleOf, windowBox } from '../src/geometry';

const HD = { width: 1280, height: 720 };
const WINDOW = { id: 1, title: '', x: 100, y: 50, width: 200, height: 100, responding: false };

test('a screen is scaled down to the width, never up', () => {
  assert.equal(scaleOf(HD, { width: 640, height: 10 }, 'fit', false), 0.5);
  assert.equal(scaleOf(HD, { width: 2560, height: 10 }, 'fit', false), 1);
});

test('in full screen it fills the room, also above 1:1', () => {
  assert.equal(scaleOf(HD, { width: 2560, height: 1440 }, 'fit', true), 2);
  assert.equal(scaleOf(HD, { width: 2560, height: 720 }, 'fit', true), 1);
});

test('1:1 is 1:1 everywhere', () => {
  assert.equal(scaleOf(HD, { width: 640, height: 360 }, 'actual', true), 1);
});

test('a room or a framebuffer without size scales nothing', () => {
  assert.equal(scaleOf(HD, { width: 0, height: 0 }, 'fit', false), 1);
  assert.equal(scaleOf({ width: 0, height: 0 }, HD, 'fit', false), 1);
});

test('only whole device pixels are drawn pixelated', () => {
  assert.ok(isPixelExact(1, 1));
  assert.ok(isPixelExact(0.5, 2));
  assert.ok(isPixelExact(1, 2));
  assert.ok(!isPixelExact(1, 1.5));
  assert.ok(!isPixelExact(0.5, 1));
});

test('a window has its place on the scaled screen', () => {
  assert.deepEqual(windowBox(WINDOW, HD, 0.5), { left: 50, top: 25, width: 100, height: 50 });
});

test('a window that is partly off the screen is cut, one that is off it has no place', () => {
  const partly = { ...WINDOW, x: -100, y: 700 };
  assert.deepEqual(windowBox(partly, HD, 1), { left: 0, top: 700, width: 100, height: 20 });
  assert.equal(windowBox({ ...WINDOW, x: 1280 }, HD, 1), null);
});
