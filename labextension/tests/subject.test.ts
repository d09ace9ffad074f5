import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from '../src/subject';
import type { DisplayInfo } from '../src/types';

const WINDOW = {
  id: 7,
  title: 'Figure 1',
  x: 100,
  y: 50,
  width: 640,
  height: 480,
  responding: true,
};
const INFO: DisplayInfo = {
  id: 'd1',
  name: 'main',
  state: 'running',
  display: ':5',
  size: [1920, 1080],
  windows: [WINDOW, { ...WINDOW, id: 8, title: 'Figure 2' }],
};

test('a whole display is called by its name and number', () => {
  const subject = new Subject(INFO, 0);
  assert.equal(subject.title, 'main');
  assert.equal(subject.beside({ width: 1920, height: 1080 }), ':5 · 1920×1080');
  assert.deepEqual(subject.size, { width: 1920, height: 1080 });
  assert.equal(subject.windows.length, 2);
});

test('a window is called by its title, and stands at its own corner', () => {
  const subject = new Subject(INFO, 7);
  assert.equal(subject.title, 'Figure 1');
  assert.equal(subject.beside({ width: 640, height: 480 }), '640×480');
  assert.deepEqual(subject.windows, [{ ...WINDOW, x: 0, y: 0 }]);
});

test('a window keeps its title when it has closed; one without a title is named all the same', () => {
  const subject = new Subject(INFO, 7);
  subject.setInfo({ ...INFO, windows: [] });
  assert.equal(subject.title, 'Figure 1');
  assert.deepEqual(subject.windows, []);
  const blank = new Subject({ ...INFO, windows: [{ ...WINDOW, title: ' ' }] }, 7);
  assert.equal(blank.title, 'untitled window');
});

test('a window that has the id of a former one is told by its process', () => {
  const former = { ...INFO, windows: [{ ...WINDOW, title: 'Former', pid: 11 }] };
  const subject = new Subject(former, 7, 12);
  assert.equal(subject.window, undefined);
  assert.equal(subject.title, 'untitled window');
  subject.setInfo({ ...INFO, windows: [{ ...WINDOW, pid: 12 }] });
  assert.equal(subject.title, 'Figure 1');
  assert.equal(subject.windows.length, 1);
  subject.setInfo({ ...INFO, windows: [{ ...WINDOW, title: 'Next', pid: 13 }] });
  assert.equal(subject.window, undefined);
  assert.equal(subject.title, 'Figure 1');
  assert.deepEqual(subject.windows, []);
});

test('a window whose process is not told has that of the first news', () => {
  const subject = new Subject({ ...INFO, windows: [{ ...WINDOW, pid: 11 }] }, 7);
  assert.equal(subject.window?.pid, 11);
  subject.setInfo({ ...INFO, windows: [{ ...WINDOW, pid: 12 }] });
  assert.equal(subject.window, undefined);
});
