/** The screen's place on the page: its size and scale, its last frame, its focus. */
import { element } from './dom';
import { isPixelExact, scaleOf, type Scaling } from './geometry';
import { Keyboard, type KeyboardTarget } from './keyboard';
import type { Disposer, Size, WindowInfo } from './types';
import { WindowsOverlay } from './windows_overlay';

export interface StageListener extends KeyboardTarget {
  /** The screen has, or has lost, keys and wheel. */
  captured(captured: boolean): void;
  /** The user clicked the screen. */
  clicked(): void;
}

export class Stage {
  /** Scrolls where the screen is larger than its room. */
  readonly viewport: HTMLElement;
  /** noVNC puts its canvas in here. */
  readonly target = element('div', { class: 'target' });
  private readonly screen: HTMLElement;
  private readonly still = element('div', { class: 'still' });
  private readonly overlay = new WindowsOverlay();
  private readonly field = element('textarea', {
    class: 'keys',
    autocapitalize: 'off',
    autocomplete: 'off',
    autocorrect: 'off',
    spellcheck: 'false',
    rows: '1',
  });
  private readonly resizes = new ResizeObserver(() => {
    this.layout();
  });
  private scaling: Scaling = 'fit';
  private fullScreen = false;
  private readonly forgetDensity: Disposer;

  constructor(
    private framebuffer: Size,
    curtain: HTMLElement,
    private readonly listener: StageListener,
  ) {
    this.screen = element('div', { class: 'screen', role: 'application' });
    this.screen.append(this.target, this.still, this.overlay.root, this.field, curtain);
    this.viewport = element('div', { class: 'viewport' }, this.screen);
    new Keyboard(this.field, listener);
    this.listen();
    this.forgetDensity = onDensityChange(() => {
      this.layout();
    });
    this.resizes.observe(this.viewport);
  }

  get hasFocus(): boolean {
    return this.field.matches(':focus');
  }

  focus(): void {
    this.field.focus({ preventScroll: true });
  }

  blur(): void {
    this.field.blur();
  }

  setName(name: string): void {
    this.screen.setAttribute('aria-label', `Screen of ${name}`);
    this.field.setAttribute('aria-label', `Keyboard of ${name}`);
  }

  setFramebuffer(size: Size): void {
    this.framebuffer = size;
    this.layout();
  }

  setScaling(scaling: Scaling, fullScreen: boolean): void {
    this.scaling = scaling;
    this.fullScreen = fullScreen;
    this.layout();
  }

  setWindows(windows: readonly WindowInfo[]): void {
    this.overlay.setWindows(windows);
  }

  /** Keeps the canvas of a connection that is over as a picture. */
  keepStill(canvas: HTMLCanvasElement): void {
    canvas.removeAttribute('style');
    canvas.removeAttribute('tabindex');
    this.still.replaceChildren(canvas);
  }

  dropStill(): void {
    this.still.replaceChildren();
  }

  get stillCanvas(): HTMLCanvasElement | null {
    return this.still.querySelector('canvas');
  }

  dispose(): void {
    this.resizes.disconnect();
    this.forgetDensity();
  }

  private layout(): void {
    const room = { width: this.viewport.clientWidth, height: this.viewport.clientHeight };
    if (room.width === 0) {
      return;
    }
    const { width, height } = this.framebuffer;
    const scale = scaleOf(this.framebuffer, room, this.scaling, this.fullScreen);
    this.screen.style.width = `${width * scale}px`;
    this.screen.style.height = `${height * scale}px`;
    this.screen.classList.toggle('pixelated', isPixelExact(scale, window.devicePixelRatio));
    this.overlay.setScale(this.framebuffer, scale);
  }

  private listen(): void {
    this.screen.addEventListener('mousedown', this.onMouseDown, true);
    this.viewport.addEventListener('wheel', this.onWheel, { capture: true, passive: true });
    this.field.addEventListener('focus', () => {
      this.listener.captured(true);
    });
    this.field.addEventListener('blur', () => {
      this.listener.captured(false);
    });
  }

  private readonly onMouseDown = (event: MouseEvent): void => {
    if (event.target instanceof Element && event.target.closest('.card')) {
      return;
    }
    // Where an input method shows its choices. Moved without a layout, for a click's sake.
    const box = this.screen.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    this.field.style.transform = `translate(${x}px, ${y}px)`;
    if (!this.hasFocus) {
      this.focus();
    }
    if (this.still.contains(event.target as Node)) {
      event.preventDefault();
    }
    this.listener.clicked();
  };

  /** noVNC would take the wheel without the focus, too: then it shall scroll the page. */
  private readonly onWheel = (event: WheelEvent): void => {
    if (!this.hasFocus) {
      event.stopPropagation();
    }
  };
}

/** Calls back when the window moves to a screen of another density, or is zoomed. */
function onDensityChange(callback: () => void): Disposer {
  let query: MediaQueryList;
  const watch = (): void => {
    query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    query.addEventListener('change', changed, { once: true });
  };
  const changed = (): void => {
    callback();
    watch();
  };
  watch();
  return () => {
    query.removeEventListener('change', changed);
  };
}
