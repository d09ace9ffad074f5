/** The corner by which a window is given another size. */
import { element } from './dom';
import type { Size } from './geometry';

/** The smallest that can be asked for (`MIN_SIDE` of the Python package), in pixels. */
const MIN_SIDE = 64;
/** Between two requests, in milliseconds: the program draws itself anew each time. */
const PAUSE_MS = 60;

/** The window on the page. */
interface Shown {
  /** In its own pixels. */
  readonly size: Size;
  /** CSS pixels for one of its own. */
  readonly shownScale: number;
}

export class ResizeCorner {
  readonly root = element('div', { class: 'corner', title: 'Drag to resize the window' });
  private start: { x: number; y: number; size: Size } | null = null;
  private wanted: Size | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly shown: Shown,
    private readonly window: { resize(size: Size): void },
  ) {
    this.root.addEventListener('pointerdown', this.press);
    this.root.addEventListener('pointermove', this.move);
    this.root.addEventListener('pointerup', this.release);
    this.root.addEventListener('pointercancel', this.release);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private readonly press = (event: PointerEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    this.root.setPointerCapture(event.pointerId);
    this.start = { x: event.clientX, y: event.clientY, size: this.shown.size };
  };

  private readonly move = (event: PointerEvent): void => {
    if (!this.start) {
      return;
    }
    const { x, y, size } = this.start;
    const scale = this.shown.shownScale;
    this.wanted = {
      width: Math.max(MIN_SIDE, Math.round(size.width + (event.clientX - x) / scale)),
      height: Math.max(MIN_SIDE, Math.round(size.height + (event.clientY - y) / scale)),
    };
    this.timer ??= setTimeout(this.ask, PAUSE_MS);
  };

  private readonly release = (): void => {
    this.start = null;
  };

  private readonly ask = (): void => {
    this.timer = undefined;
    if (this.wanted) {
      this.window.resize(this.wanted);
      this.wanted = null;
    }
  };
}
