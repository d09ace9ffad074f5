/** Carries text between the browser's clipboard and the display's, where the browser allows it. */
import { isX11vnc } from './types';

/** Never asks for a permission by itself: pasting with Ctrl+V needs none (keyboard.ts). */
export class ClipboardBridge {
  private lastText = '';
  private hintNow = '';

  /**
   * @param send - Gives text to the display.
   * @param changed - There is another hint.
   */
  constructor(
    private readonly send: (text: string) => void,
    private readonly changed: () => void,
  ) {}

  get hint(): string {
    return this.hintNow;
  }

  /** Gives the browser's text to the display, which has got the focus, where that is allowed. */
  async push(): Promise<void> {
    if (!(await allowed('clipboard-read'))) {
      return;
    }
    const text = await navigator.clipboard.readText().catch(() => '');
    if (text !== '' && text !== this.lastText) {
      this.pasted(text);
    }
  }

  /** Gives text that the user pasted to the display: it need not come back. */
  pasted(text: string): void {
    this.lastText = text;
    this.send(text);
  }

  /** Gives the display's text to the browser. */
  async write(text: string): Promise<void> {
    if (text === '' || text === this.lastText) {
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      this.lastText = text;
      this.setHint('');
    } catch {
      this.setHint('This browser does not let the display set the clipboard.');
    }
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
