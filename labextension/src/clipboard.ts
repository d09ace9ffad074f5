/** Carries text between the browser's clipboard and the display's, where the browser allows it. */
import { isX11vnc } from './types';

/** Never asks for a permission by itself: pasting with Ctrl+V needs none (keyboard.ts). */
export class ClipboardBridge {
  private lastText = '';
  private hintNow = '';

  constructor(private readonly changed: () => void) {}

  get hint(): string {
    return this.hintNow;
  }

  /** The text to give to the display when it gets the focus; null: nothing new, or not allowed. */
  async read(): Promise<string | null> {
    if (!(await allowed('clipboard-read'))) {
      return null;
    }
    try {
      const text = await navigator.clipboard.readText();
      return text === '' || text === this.lastText ? null : this.remember(text);
    } catch {
      return null;
    }
  }

  /** Text that the user pasted: it need not come back. */
  pasted(text: string): void {
    this.remember(text);
  }

  /** Gives the display's text to the browser. */
  async write(text: string): Promise<void> {
    if (text === '' || text === this.lastText) {
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      this.remember(text);
      this.setHint('');
    } catch {
      this.setHint('This browser does not let the display set the clipboard.');
    }
  }

  private remember(text: string): string {
    this.lastText = text;
    return text;
  }

  private setHint(hint: string): void {
    if (hint !== this.hintNow) {
      this.hintNow = hint;
      this.changed();
    }
  }
}

/**
 * The text to hand to the RFB server, so that X programs get `text`.
 *
 * x11vnc gives the bytes of its Latin-1 clipboard to programs that ask for UTF-8: each byte of the
 * UTF-8 text as one character makes them right. Other servers are given the text itself.
 */
export function clipboardFor(stream: string, text: string): string {
  if (!isX11vnc(stream)) {
    return text;
  }
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

async function allowed(name: string): Promise<boolean> {
  try {
    // Firefox and Safari do not know the name, and throw.
    const status = await navigator.permissions.query({ name: name as PermissionName });
    return status.state === 'granted';
  } catch {
    return false;
  }
}
