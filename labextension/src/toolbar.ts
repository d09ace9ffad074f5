/** The bar above the screen: what it is, how it is, and what can be done. */
import { element, icon, iconButton, label, type IconName } from './dom';
import type { Scaling } from './geometry';
import { LEAVE_KEYS } from './keyboard';

export interface ToolbarActions {
  /** For one window; else for a whole display. */
  readonly isWindow: boolean;
  /** More buttons. */
  readonly more: readonly HTMLElement[];
  /** The address of a page of its own; null where there is none. */
  readonly page: (() => string) | null;
  /** Rejects with words for the user. */
  readonly copyScreenshot: () => Promise<void>;
  /** Rejects with words for the user. */
  readonly saveScreenshot: () => Promise<void>;
  readonly toggleScaling: () => void;
  readonly toggleFullScreen: () => void;
  readonly toggleKeyboard: () => void;
  readonly close: () => void;
}

/** How long a button shows that something was done, in milliseconds. */
const SAID_MS = 2000;

export class Toolbar {
  readonly root: HTMLElement;
  readonly keyboard: HTMLButtonElement;
  private readonly title = element('span', { class: 'title' });
  private readonly meta = element('span', { class: 'meta' });
  private readonly state = element('span', {
    class: 'state',
    role: 'status',
    'aria-live': 'polite',
  });
  private readonly keyboardWords = element('span', { class: 'keyboard-words' });
  private readonly scaling: HTMLButtonElement;
  private readonly isWindow: boolean;
  private readonly fullScreen: HTMLButtonElement;

  constructor(actions: ToolbarActions) {
    this.scaling = iconButton('actual', 'scaling', actions.toggleScaling);
    this.fullScreen = iconButton('fullScreen', 'full-screen', actions.toggleFullScreen);
    this.keyboard = iconButton('keyboard', 'keyboard', actions.toggleKeyboard);
    this.keyboard.append(this.keyboardWords);
    const { copyScreenshot, saveScreenshot } = actions;
    const screenshot = sayingButton('screenshot', 'Save a screenshot', 'Saved', saveScreenshot);
    const copy = sayingButton('copy', 'Copy a screenshot', 'Copied', copyScreenshot);
    const close = iconButton('close', 'close', actions.close);
    if (actions.isWindow) {
      label(close, 'Close the window');
    } else {
      label(close, 'Close this view', 'Close this view (the display keeps running)');
    }
    const { page } = actions;
    const popOut = iconButton('popOut', 'pop-out', () => {
      window.open(page?.() ?? '', '_blank', 'noopener');
    });
    popOut.hidden = page === null;
    label(popOut, 'Show it in a tab of its own');
    this.isWindow = actions.isWindow;
    this.scaling.hidden = actions.isWindow;
    this.root = element(
      'div',
      {
        class: 'toolbar',
        role: 'toolbar',
        'aria-label': actions.isWindow ? 'Window' : 'X display',
      },
      element('span', { class: 'dot' }),
      this.title,
      this.meta,
      this.state,
      element('span', { class: 'spacer' }),
      this.keyboard,
      this.scaling,
      this.fullScreen,
      ...actions.more,
      popOut,
      copy,
      screenshot,
      close,
    );
  }

  setTitle(name: string, meta: string): void {
    this.title.textContent = name;
    this.meta.textContent = meta;
  }

  /** The tooltip has what is good to know, but not worth a line. A window that is fine says none. */
  setState(state: string, tooltip: string, fine: boolean): void {
    const words = fine && this.isWindow ? '' : state;
    if (this.state.textContent !== words) {
      this.state.textContent = words;
    }
    this.state.title = tooltip;
  }

  setScaling(scaling: Scaling): void {
    const fitted = scaling === 'fit';
    this.scaling.replaceChildren(icon(fitted ? 'actual' : 'fit'));
    label(this.scaling, fitted ? 'Show 1:1' : 'Fit to width');
  }

  setFullScreen(on: boolean): void {
    this.fullScreen.replaceChildren(icon(on ? 'leaveFullScreen' : 'fullScreen'));
    label(this.fullScreen, on ? 'Leave full screen' : 'Full screen');
  }

  setCaptured(captured: boolean): void {
    this.keyboardWords.textContent = captured ? 'Keys: display' : 'Keys: page';
    this.keyboard.setAttribute('aria-pressed', String(captured));
    label(
      this.keyboard,
      captured ? 'Keyboard goes to the display' : 'Keyboard goes to the page',
      captured
        ? `Keys and wheel go to the display. To leave: press ${LEAVE_KEYS} together and let go, or click elsewhere.`
        : `Keys and wheel go to the page. Click the screen, or here, to type into the display; ${LEAVE_KEYS} leaves it.`,
    );
  }
}

/** A button that says for a moment whether what it does was done, or why not. */
function sayingButton(
  name: 'copy' | 'screenshot',
  words: string,
  doneWords: string,
  action: () => Promise<void>,
): HTMLButtonElement {
  const say = (said: string, mark: IconName): void => {
    button.replaceChildren(icon(mark));
    label(button, said);
    setTimeout(() => {
      label(button, words);
      button.replaceChildren(icon(name));
    }, SAID_MS);
  };
  const button = iconButton(name, name, () => {
    action().then(
      () => {
        say(doneWords, 'done');
      },
      (error: unknown) => {
        say(error instanceof Error ? error.message : String(error), 'close');
      },
    );
  });
  label(button, words);
  return button;
}
