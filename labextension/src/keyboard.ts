/**
 * Brings keys and text to the display while a hidden text field has the focus.
 *
 * noVNC alone listens on its canvas, where dead keys and input methods make no text. Here keys
 * arrive at a text field: those that noVNC understands are handed to its canvas, the others are
 * left to make text (or to paste), which is then sent.
 */

export type Way = 'forward' | 'text' | 'paste';

export interface KeyStroke {
  readonly key: string;
  readonly code: string;
  readonly keyCode: number;
  readonly isComposing: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly metaKey: boolean;
}

/** `keyCode` of key events that an input method has taken (UI Events, 7.3.1). */
const TAKEN_BY_INPUT_METHOD = 229;

/** How the keys to leave are called on the keyboard. */
export const LEAVE_KEYS = 'Ctrl+Alt+Shift';

/** What is to be done with a key that goes down. */
export function wayOf(stroke: KeyStroke, afterDeadKey: boolean): Way {
  if (stroke.isComposing || stroke.keyCode === TAKEN_BY_INPUT_METHOD || stroke.key === 'Dead') {
    return 'text';
  }
  const command = (stroke.ctrlKey || stroke.metaKey) && !stroke.altKey;
  if (command && stroke.key.toLowerCase() === 'v') {
    return 'paste';
  }
  if (stroke.key === 'Insert' && stroke.shiftKey && !command && !stroke.altKey) {
    return 'paste';
  }
  // Browsers disagree on `key` after a dead key ("e" or "é"), but not on the text.
  return afterDeadKey && Array.from(stroke.key).length === 1 ? 'text' : 'forward';
}

/** Whether the key of `code` is a modifier that an event says is not held. */
export function isLost(code: string, isHeld: (modifier: string) => boolean): boolean {
  const name = /^(Control|Alt|Shift|Meta)(Left|Right)$/.exec(code)?.[1];
  return name !== undefined && !isHeld(name) && !(name === 'Alt' && isHeld('AltGraph'));
}

/** The X keysym of a character (X Window System Protocol, appendix A). */
export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  if (point === 0x0a || point === 0x0d) {
    return 0xff0d;
  }
  if (point === 0x09) {
    return 0xff09;
  }
  const latin1 = (point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff);
  return latin1 ? point : 0x01000000 + point;
}

/** Sees `LEAVE_KEYS` pressed together and let go, with no other key in between. */
export class LeaveChord {
  private readonly held = new Set<string>();
  private complete = false;
  private spoilt = false;

  down(code: string): void {
    const modifier = /^(Control|Alt|Shift)/.exec(code)?.[1];
    if (modifier === undefined) {
      this.spoilt = true;
      return;
    }
    this.held.add(modifier);
    this.complete ||= this.held.size === 3;
  }

  /** Whether this release is the one that leaves. */
  up(code: string): boolean {
    const leaves = this.complete && !this.spoilt;
    const modifier = /^(Control|Alt|Shift)/.exec(code)?.[1];
    if (modifier !== undefined) {
      this.held.delete(modifier);
    }
    if (this.held.size === 0 || leaves) {
      this.reset();
    }
    return leaves;
  }

  reset(): void {
    this.held.clear();
    this.complete = false;
    this.spoilt = false;
  }
}

export interface KeyboardTarget {
  /** The canvas that noVNC listens on; null while there is no connection. */
  canvas(): HTMLCanvasElement | null;
  sendKey(keysym: number): void;
  setClipboard(text: string): void;
  /** The user wants the keyboard back. */
  leave(): void;
}

/** How long a paste may take to arrive after its key, in milliseconds. */
const PASTE_MS = 50;

export class Keyboard {
  private readonly down = new Map<string, KeyboardEvent>();
  private readonly chord = new LeaveChord();
  private afterDeadKey = false;
  /** A key that made no event of its own yet: its text is awaited, else it is forwarded. */
  private awaited: KeyboardEvent | null = null;
  private pasting: { event: KeyboardEvent; timer: ReturnType<typeof setTimeout> } | null = null;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly target: KeyboardTarget,
  ) {
    field.addEventListener('keydown', this.onKeyDown);
    field.addEventListener('keyup', this.onKeyUp);
    field.addEventListener('input', this.onInput);
    field.addEventListener('compositionend', this.onCompositionEnd);
    field.addEventListener('paste', this.onPaste);
    field.addEventListener('blur', this.releaseAll);
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    this.chord.down(event.code);
    this.finishPaste();
    this.releaseLost(event);
    const way = wayOf(event, this.afterDeadKey);
    if (way === 'forward') {
      event.preventDefault();
      this.forward(event);
      // A modifier between a dead key and its letter makes neither text nor an end.
      this.afterDeadKey &&= /^(Control|Alt|Shift|CapsLock|Meta)/.test(event.code);
    } else if (way === 'paste') {
      const timer = setTimeout(this.finishPaste, PASTE_MS);
      this.pasting = { event, timer };
    } else {
      this.afterDeadKey = event.key === 'Dead';
      this.awaited = event.isComposing || event.key.length > 1 ? null : event;
    }
  };

  private readonly onKeyUp = (event: KeyboardEvent): void => {
    event.stopPropagation();
    event.preventDefault();
    this.finishPaste();
    this.releaseLost(event);
    if (this.awaited?.code === event.code) {
      this.forward(this.awaited);
      this.awaited = null;
    }
    this.forward(event);
    if (this.chord.up(event.code)) {
      this.target.leave();
    }
  };

  private readonly onInput = (event: Event): void => {
    if (!(event as InputEvent).isComposing) {
      this.sendText();
    }
  };

  private readonly onCompositionEnd = (): void => {
    // Some browsers fire `input` after this, and find the field empty then.
    this.sendText();
  };

  private readonly onPaste = (event: ClipboardEvent): void => {
    event.stopPropagation();
    event.preventDefault();
    const text = event.clipboardData?.getData('text/plain');
    if (text) {
      this.target.setClipboard(text);
    }
    this.finishPaste();
  };

  private sendText(): void {
    this.awaited = null;
    const text = this.field.value;
    this.field.value = '';
    for (const character of text) {
      // noVNC's table has the older keysyms, which more X servers know, but for the BMP only.
      if (!this.forwardCharacter(character)) {
        this.target.sendKey(keysymOf(character));
      }
    }
  }

  private forwardCharacter(character: string): boolean {
    const canvas = this.target.canvas();
    if (!canvas || character.length !== 1 || character < ' ') {
      return false;
    }
    // Without a code noVNC presses and releases the key at once.
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key: character, cancelable: true }));
    return true;
  }

  private readonly finishPaste = (): void => {
    if (this.pasting) {
      const { event, timer } = this.pasting;
      clearTimeout(timer);
      this.pasting = null;
      this.forward(event);
    }
  };

  /** Input methods swallow releases; a modifier that is not held any more must not stay down. */
  private releaseLost(event: KeyboardEvent): void {
    for (const held of [...this.down.values()]) {
      if (held.code !== event.code && isLost(held.code, (name) => event.getModifierState(name))) {
        this.release(held);
      }
    }
  }

  private release({ key, code, location }: KeyboardEvent): void {
    this.chord.up(code);
    this.forward(new KeyboardEvent('keyup', { key, code, location }));
  }

  private readonly releaseAll = (): void => {
    this.finishPaste();
    this.afterDeadKey = false;
    this.awaited = null;
    this.field.value = '';
    for (const held of [...this.down.values()]) {
      this.release(held);
    }
    this.chord.reset();
  };

  private forward(event: KeyboardEvent): void {
    if (event.type === 'keydown') {
      this.down.set(event.code, event);
    } else {
      this.down.delete(event.code);
    }
    this.target.canvas()?.dispatchEvent(copyOf(event));
  }
}

/** The same event for another target; it goes no further than there. */
function copyOf(event: KeyboardEvent): KeyboardEvent {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- noVNC falls back to keyCode
  const { key, code, location, keyCode, repeat, ctrlKey, altKey, shiftKey, metaKey } = event;
  return new KeyboardEvent(event.type, {
    ...{ key, code, location, keyCode, repeat, ctrlKey, altKey, shiftKey, metaKey },
    modifierCapsLock: event.getModifierState('CapsLock'),
    modifierNumLock: event.getModifierState('NumLock'),
    modifierAltGraph: event.getModifierState('AltGraph'),
    cancelable: true,
  });
}

/** Keys in a view are no shortcuts of its page. */
export function keepKeysFromPage(host: HTMLElement): void {
  // Lumino (JupyterLab, Notebook 7) leaves keys alone below an element that says so.
  host.dataset.lmSuppressShortcuts = 'true';
  // Other pages listen for keys further up.
  for (const type of ['keydown', 'keypress', 'keyup', 'paste', 'copy', 'cut']) {
    host.addEventListener(type, (event) => {
      event.stopPropagation();
    });
  }
}
