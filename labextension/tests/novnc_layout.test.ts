import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followLayout, readScreens, setDesktopSize } from '../src/novnc_layout';

/** Bytes of two screens, after a head: id, x, y, width, height, flags (rfbproto). */
const SCREENS = Uint8Array.of(
  ...[2, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 6, 0, 0, 1, 44, 0, 200, 0, 0, 0, 0],
  ...[0, 0, 0, 1, 0, 0, 0, 22, 0, 95, 1, 13, 0, 0, 0, 0],
);
const WINDOW = { x: 6, y: 0, width: 300, height: 200 };
const MENU = { x: 0, y: 22, width: 95, height: 269 };

test('the screens of ExtendedDesktopSize are read in order', () => {
  assert.deepEqual(readScreens(SCREENS, 2), [WINDOW, MENU]);
});

test('SetDesktopSize has one screen of that size', () => {
  const message = setDesktopSize({ width: 640, height: 480 });
  assert.equal(message.length, 24);
  assert.deepEqual([...message.slice(0, 8)], [251, 0, 2, 128, 1, 224, 1, 0]);
  assert.deepEqual([...message.slice(16, 20)], [2, 128, 1, 224]);
});

/** The part of noVNC that reads the rectangle, with some of its bytes there already. */
function reader(there: number, reason = 0, status = 0) {
  return {
    _FBU: { x: reason, y: status, width: 306, height: 291 },
    _sock: {
      rQwait: (_: string, count: number) => there < count,
      rQpeek8: () => SCREENS[0] ?? 0,
      rQpeekBytes: (count: number) => SCREENS.slice(0, count),
    },
    _handleExtendedDesktopSize: () => true,
  };
}

test('the layout is told once it is there as a whole, and only where it holds', () => {
  const told: unknown[] = [];
  for (const one of [reader(3), reader(20), reader(36, 1, 3), reader(36, 1, 0)]) {
    followLayout(one, (size, parts) => told.push(size, parts));
    assert.ok(one._handleExtendedDesktopSize());
  }
  assert.deepEqual(told, [{ width: 306, height: 291 }, [WINDOW, MENU]]);
});

test('a noVNC that is built in another way is refused', () => {
  assert.throws(() => {
    followLayout({}, () => undefined);
  }, /1\.7/);
});
