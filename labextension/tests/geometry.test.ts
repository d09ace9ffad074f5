import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipPath, exceeds, isPixelExact, scaled, scaleOf, windowBox } from '../src/geometry';

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

const MAIN = { x: 20, y: 0, width: 100, height: 80 };
const EVERYWHERE = { x: -1e6, y: -1e6, width: 2e6, height: 2e6 };

test('only what reaches beyond the window needs the top layer', () => {
  assert.ok(!exceeds([MAIN]));
  assert.ok(!exceeds([MAIN, { x: 20, y: 0, width: 100, height: 80 }]));
  assert.ok(exceeds([MAIN, { x: 19, y: 0, width: 10, height: 10 }]));
  assert.ok(exceeds([MAIN, { x: 30, y: 70, width: 10, height: 11 }]));
});

test('the shape of several rectangles has each of them', () => {
  const menu = { x: 0, y: 80, width: 50, height: 200 };
  assert.equal(clipPath([MAIN, menu], EVERYWHERE), 'path("M20 0H120V80H20ZM0 80H50V280H0Z")');
});

test('what cannot be seen of the page is not in the shape', () => {
  const seen = { x: 0, y: 40, width: 1000, height: 1000 };
  assert.equal(clipPath([MAIN], seen), 'path("M20 40H120V80H20Z")');
  assert.equal(clipPath([MAIN], { ...seen, y: 500 }), 'path("M0 0Z")');
});

test('places and sizes are scaled alike', () => {
  assert.deepEqual(scaled(MAIN, 0.5), { x: 10, y: 0, width: 50, height: 40 });
});
