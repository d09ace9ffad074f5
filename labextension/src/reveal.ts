/** Scrolls the page so far that what a press or a key has opened, such as a menu, is in sight. */
import type { Rect } from './geometry';
import { scrollerOf } from './scrolling';

/** What opens later than this was opened by something else: a tooltip, a program's own dialog. */
const OPENED_WITHIN_MS = 1500;

export class Reveal {
  private pressedAt = -Infinity;
  private held = false;
  private waiting: (() => void) | null = null;
  private readonly listening = new AbortController();

  /**
   * @param place - What is pressed; its scrolling ancestor is scrolled.
   */
  constructor(private readonly place: HTMLElement) {
    const options = { capture: true, signal: this.listening.signal };
    place.addEventListener('mousedown', this.pressed, options);
    place.addEventListener('keydown', this.pressed, options);
    window.addEventListener('mousedown', this.down, options);
    window.addEventListener('mouseup', this.up, options);
  }

  /**
   * @param where - Gives its place on the page, in CSS pixels, when it is time to scroll.
   */
  opened(where: () => Rect): void {
    this.waiting = null;
    if (performance.now() - this.pressedAt > OPENED_WITHIN_MS) {
      return;
    }
    const scroll = (): void => {
      this.scrollTo(where());
    };
    // A release has to be where the press was.
    if (this.held) {
      this.waiting = scroll;
    } else {
      scroll();
    }
  }

  dispose(): void {
    this.listening.abort();
    this.waiting = null;
  }

  private scrollTo({ y, height }: Rect): void {
    const scroller = scrollerOf(this.place);
    if (!scroller) {
      return;
    }
    const seen = scroller.getBoundingClientRect();
    const below = y + height - seen.bottom;
    const above = y - seen.top;
    if (below > 0 && above > 0) {
      scroller.scrollTop += Math.min(below, above);
    } else if (above < 0 && below < 0) {
      scroller.scrollTop += Math.max(above, below);
    }
  }

  private readonly pressed = (): void => {
    this.pressedAt = performance.now();
  };

  private readonly down = (): void => {
    this.held = true;
  };

  private readonly up = (event: MouseEvent): void => {
    this.held = event.buttons !== 0;
    const scroll = this.waiting;
    if (!this.held && scroll) {
      this.waiting = null;
      setTimeout(scroll); // when the release has been told
    }
  };
}
