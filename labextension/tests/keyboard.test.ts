import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLost, keysymOf, LeaveChord, wayOf, type KeyStroke } from '../src/keyboard';

const NONE = { ctrlKey: false, altKey: false, shiftKey: false, metaKey: false };

function stroke(key: string, more: Partial<KeyStroke> = {}): KeyStroke {
  return { key, code: '', keyCode: 0, isComposing: false, ...NONE, ...more };
}

test('keys go to noVNC', () => {
  for (const key of ['a', 'é', '€', 'ж', 'Enter', 'Tab', 'Escape', 'F5', 'Shift']) {
    assert.equal(wayOf(stroke(key), false), 'forward', key);
  }
});

test('dead keys and input methods make text', () => {
  assert.equal(wayOf(stroke('Dead'), false), 'text');
  assert.equal(wayOf(stroke('Process', { keyCode: 229 }), false), 'text');
  assert.equal(wayOf(stroke('e', { isComposing: true }), false), 'text');
});

test('the letter after a dead key makes text, another key does not', () => {
  assert.equal(wayOf(stroke('e'), true), 'text');
  assert.equal(wayOf(stroke('é'), true), 'text');
  assert.equal(wayOf(stroke('Backspace'), true), 'forward');
});

test('the keys that paste wait for the text', () => {
  assert.equal(wayOf(stroke('v', { ctrlKey: true }), false), 'paste');
  assert.equal(wayOf(stroke('V', { ctrlKey: true, shiftKey: true }), false), 'paste');
  assert.equal(wayOf(stroke('v', { metaKey: true }), false), 'paste');
  assert.equal(wayOf(stroke('Insert', { shiftKey: true }), false), 'paste');
});

test('AltGr+v is a letter', () => {
  assert.equal(wayOf(stroke('v', { ctrlKey: true, altKey: true }), false), 'forward');
});

test('keysyms are Latin-1 or Unicode', () => {
  assert.equal(keysymOf('a'), 0x61);
  assert.equal(keysymOf('é'), 0xe9);
  assert.equal(keysymOf('€'), 0x010020ac);
  assert.equal(keysymOf('😀'), 0x0101f600);
  assert.equal(keysymOf('\n'), 0xff0d);
  assert.equal(keysymOf('\t'), 0xff09);
});

test('three modifiers pressed and let go leave', () => {
  const chord = new LeaveChord();
  for (const code of ['ControlLeft', 'AltLeft', 'ShiftRight']) {
    chord.down(code);
  }
  assert.equal(chord.up('AltLeft'), true);
  assert.equal(chord.up('ControlLeft'), false);
});

test('with another key in between they do not', () => {
  const chord = new LeaveChord();
  for (const code of ['ControlLeft', 'AltLeft', 'ShiftLeft', 'KeyR']) {
    chord.down(code);
  }
  const codes = ['KeyR', 'ControlLeft', 'AltLeft', 'ShiftLeft'];
  assert.deepEqual(
    codes.map((code) => chord.up(code)),
    [false, false, false, false],
  );
});

test('after a key was let go the chord works again', () => {
  const chord = new LeaveChord();
  chord.down('KeyA');
  chord.up('KeyA');
  for (const code of ['ShiftLeft', 'AltLeft', 'ControlLeft']) {
    chord.down(code);
  }
  assert.equal(chord.up('ControlLeft'), true);
});

test('two modifiers are not enough', () => {
  const chord = new LeaveChord();
  chord.down('ControlLeft');
  chord.down('AltLeft');
  assert.equal(chord.up('AltLeft'), false);
});

test('a modifier that events do not report any more is lost', () => {
  assert.ok(isLost('ShiftLeft', () => false));
  assert.ok(!isLost('ShiftLeft', (name) => name === 'Shift'));
  assert.ok(!isLost('AltRight', (name) => name === 'AltGraph'));
  assert.ok(!isLost('KeyA', () => false));
});
