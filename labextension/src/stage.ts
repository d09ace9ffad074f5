/** The screen's place on the page: its size and scale, its last frame, its focus. */
import { element } from './dom';
import { exceeds, isPixelExact, scaled, scaleOf, type Rect, type Scaling } from './geometry';
import { Keyboard, type KeyboardTarget } from './keyboard';
import { isCapture, passRelease } from './novnc_capture';
import { sentence } from './words';
import { TopLayer } from './top_layer';
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
  /** Itself first, for a window then its dialogs and pop-ups. */
  private parts: readonly [Rect, ...Rect[]];
  private readonly topLayer: TopLayer;
  private scale = 1;
  private readonly forgetDensity: Disposer;

  constructor(
    private framebuffer: Size,
    curtain: HTMLElement,
    private readonly listener: StageListener,
  ) {
    this.parts = [whole(framebuffer)];
    this.screen = element('div', { class: 'screen', role: 'application' });
    this.screen.append(this.target, this.still, this.overlay.root, this.field, curtain);
    this.viewport = element('div', { class: 'viewport' }, this.screen);
    this.topLayer = new TopLayer(this.target, this.screen);
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
    this.screen.setAttribute('aria-label', sentence(name));
    this.field.setAttribute('aria-label', `Keyboard of the ${name}`);
  }

  /** Takes up the framebuffer's size and its parts; one part, as large as it, by default. */
  setLayout(size: Size, [main, ...others]: readonly Rect[] = []): void {
    this.framebuffer = size;
    this.parts = main && TopLayer.isThere ? [main, ...others] : [whole(size)];
    this.layout();
  }

  /** The size of the screen, or of the window without its pop-ups, in its own pixels. */
  get size(): Size {
    return this.parts[0];
  }

  /** CSS pixels for one of its own. */
  get shownScale(): number {
    return this.scale;
  }

  /** Puts something over the screen. */
  add(node: HTMLElement): void {
    this.screen.append(node);
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
    this.topLayer.hide();
  }

  dropStill(): void {
    this.still.replaceChildren();
  }

  get stillCanvas(): HTMLCanvasElement | null {
    return this.still.querySelector('canvas');
  }

  dispose(): void {
    window.removeEventListener('mousedown', this.onPageMouseDown, true);
    window.removeEventListener('mouseup', this.onPageMouseUp, true);
    this.resizes.disconnect();
    this.topLayer.dispose();
    this.forgetDensity();
  }

  private layout(): void {
    const room = { width: this.viewport.clientWidth, height: this.viewport.clientHeight };
    if (room.width === 0) {
      return;
    }
    const [main] = this.parts;
    const scale = scaleOf(main, room, this.scaling, this.fullScreen);
    this.scale = scale;
    this.screen.style.width = `${main.width * scale}px`;
    this.screen.style.height = `${main.height * scale}px`;
    for (const layer of [this.target, this.still]) {
      place(layer, scaled({ ...this.framebuffer, x: -main.x, y: -main.y }, scale));
    }
    this.screen.classList.toggle('pixelated', isPixelExact(scale, window.devicePixelRatio));
    this.overlay.setScale(main, scale);
    if (exceeds(this.parts) && this.target.hasChildNodes()) {
      const [first, ...others] = this.parts;
      this.topLayer.show([scaled(first, scale), ...others.map((part) => scaled(part, scale))]);
    } else {
      this.topLayer.hide();
    }
  }

  private listen(): void {
    window.addEventListener('mousedown', this.onPageMouseDown, true);
    window.addEventListener('mouseup', this.onPageMouseUp, true);
    this.screen.addEventListener('mousedown', this.onMouseDown, true);
    this.viewport.addEventListener('wheel', this.onWheel, { capture: true, passive: true });
    this.field.addEventListener('focus', () => {
      this.listener.captured(true);
    });
    this.field.addEventListener('blur', () => {
      this.listener.captured(false);
    });
  }

  /**
   * A press on a screen that has the keys is no news for the page: it stays within the view.
   * JupyterLab would take the focus for the cell, and lay out the page twice, before noVNC hears.
   */
  private readonly onPageMouseDown = (event: MouseEvent): void => {
    const canvas = this.canvasUnder(event);
    if (this.hasFocus && !this.isWithin(event)) {
      this.leaveAtPress();
    } else if (canvas && this.hasFocus) {
      event.stopPropagation();
      event.preventDefault();
      canvas.dispatchEvent(insideOnly(event));
    }
  };

  private readonly onPageMouseUp = (event: MouseEvent): void => {
    if (this.canvasUnder(event)) {
      passRelease(event);
    }
  };

  /** A press elsewhere takes the keys away, also where the page moves no focus for it. */
  private leaveAtPress(): void {
    this.field.blur();
    setTimeout(() => {
      if (document.activeElement === document.body) {
        this.listener.leave();
      }
    });
  }

  private isWithin(event: MouseEvent): boolean {
    return event.composedPath().includes(this.screen.getRootNode()) || isCapture(event);
  }

  private canvasUnder(event: MouseEvent): HTMLCanvasElement | null {
    const [under] = event.composedPath();
    return under instanceof HTMLCanvasElement && this.target.contains(under) ? under : null;
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

function whole({ width, height }: Size): Rect {
  return { x: 0, y: 0, width, height };
}

function place({ style }: HTMLElement, { x, y, width, height }: Rect): void {
  style.left = `${x}px`;
  style.top = `${y}px`;
  style.width = `${width}px`;
  style.height = `${height}px`;
}

/** The same press, for the shadow tree that it is dispatched in. */
function insideOnly(event: MouseEvent): MouseEvent {
  const { type, detail, screenX, screenY, clientX, clientY, button, buttons } = event;
  const { altKey, ctrlKey, metaKey, shiftKey } = event;
  return new MouseEvent(type, {
    ...{ detail, screenX, screenY, clientX, clientY, button, buttons },
    ...{ altKey, ctrlKey, metaKey, shiftKey },
    ...{ bubbles: true, cancelable: true, composed: false, view: window },
  });
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
