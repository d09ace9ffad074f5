import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipboardFor } from '../src/clipboard';
import { resolveConfig } from '../src/page_config';
import type { DisplayInfo } from '../src/types';
import {
  closedLine,
  countdown,
  displayNumber,
  screenshotName,
  sentence,
  stuckWords,
} from '../src/words';

const INFO: DisplayInfo = {
  id: 'd1',
  name: 'main',
  state: 'running',
  display: ':5',
  size: [1280, 720],
};

test('a display is called by its number', () => {
  assert.equal(displayNumber(INFO), ':5');
  assert.equal(displayNumber({ ...INFO, display: 'unix:5.0' }), ':5');
  assert.equal(displayNumber({ ...INFO, display: 'host:0' }), 'host:0');
});

test('a closed view says how its display is', () => {
  assert.equal(closedLine(INFO), 'Display :5 · 1280×720');
  const chosen = { xserver: 'Xvfb: why', renderer: 'software GL: why', stream: 'builtin: why' };
  assert.equal(closedLine({ ...INFO, chosen }), 'Display :5 · 1280×720 · Xvfb · software GL');
  assert.match(closedLine({ ...INFO, state: 'parked' }), /^Display :5 is parked: .*kernel ends\.$/);
  const ended: DisplayInfo = { ...INFO, state: 'ended', reason: 'it was stopped' };
  assert.equal(closedLine(ended), 'Display :5 has ended. It was stopped.');
  assert.equal(closedLine({ ...INFO, state: 'ended' }), 'Display :5 has ended.');
});

test('sentences begin with a capital letter and end with a mark', () => {
  assert.equal(sentence('run %xdisplay'), 'Run %xdisplay.');
  assert.equal(sentence('Is it on?'), 'Is it on?');
  assert.equal(sentence(''), '');
});

test('a countdown never says 0', () => {
  assert.equal(countdown(3200), 'trying again in 4 s');
  assert.equal(countdown(-5), 'trying again in 1 s');
});

test('a screenshot is named by display and time', () => {
  const name = screenshotName('main', new Date(2024, 0, 2, 3, 4, 5));
  assert.equal(name, 'xdisplay-main-20240102-030405.png');
});

test('URLs of the server come from the page', () => {
  const page = 'https://host.example/hub/lab?x';
  const config = resolveConfig({ baseUrl: '/user/me/', wsUrl: '', token: 't' }, page);
  assert.deepEqual(config, {
    baseUrl: 'https://host.example/user/me/',
    wsUrl: 'wss://host.example/user/me/',
    token: 't',
  });
  assert.equal(resolveConfig({}, 'http://h:8888/x').wsUrl, 'ws://h:8888/');
  const other = resolveConfig({ baseUrl: '/b', wsUrl: 'wss://ws.example/b' }, page);
  assert.equal(other.wsUrl, 'wss://ws.example/b/');
});

test('x11vnc is given the bytes of UTF-8, other servers the text', () => {
  assert.equal(clipboardFor('x11vnc: attaches to any X server', 'é'), '\u00c3\u00a9');
  assert.equal(clipboardFor('our own', 'é'), 'é');
});

const STUCK = { own: false, answers: false, canEnd: true, pid: 42 };

test('a window that does not close: the words fit the buttons beside them', () => {
  assert.match(stuckWords(STUCK), /does not answer\. Ending it loses/);
  assert.match(stuckWords({ ...STUCK, own: true }), /Interrupted, it closes/);
  assert.match(stuckWords({ ...STUCK, answers: true }), /answers, but keeps it open/);
});

test('where nothing can be ended from the view, the user is told how', () => {
  const comm = { ...STUCK, canEnd: false };
  assert.match(stuckWords(comm), /interrupt the kernel.*os\.kill\(42, 9\)/);
  assert.match(stuckWords({ ...comm, pid: 0 }), /end the program where you started it/);
  assert.match(stuckWords({ ...comm, own: true }), /interrupt the kernel in the notebook/);
  assert.doesNotMatch(stuckWords({ ...comm, own: true }), /kill|restarted/);
  // The wish may not have reached its program yet.
  assert.doesNotMatch(stuckWords({ ...comm, answers: true }), /keeps it open/);
  assert.match(stuckWords({ ...comm, own: true, answers: true }), /keeps it open/);
});
