/** Shows what reaches beyond a window, such as menus, over the page: nothing of it is cut off. */
import { boundingBox, clipPath, type Rect } from './geometry';
import { Reveal } from './reveal';
import { scrollerOf } from './scrolling';

export class TopLayer {
  private following = 0;
  private shown = '';
  private popUps = '';
  private readonly reveal: Reveal;

  /**
   * @param layer - Has the whole framebuffer.
   * @param place - Where the window itself stays on the page.
   */
  constructor(
    private readonly layer: HTMLElement,
    private readonly place: HTMLElement,
  ) {
    layer.popover = 'manual';
    this.reveal = new Reveal(place);
  }

  /** Whether this browser can. */
  static get isThere(): boolean {
    return 'showPopover' in HTMLElement.prototype;
  }

  /** Shows the parts (the window itself first), in CSS pixels from the framebuffer's corner. */
  show(parts: readonly [Rect, ...Rect[]]): void {
    if (!this.layer.isConnected) {
      return;
    }
    if (!this.layer.matches(':popover-open')) {
      this.layer.showPopover();
    }
    cancelAnimationFrame(this.following);
    const follow = (): void => {
      this.put(parts);
      this.following = requestAnimationFrame(follow);
    };
    follow();
    this.revealNew(parts);
  }

  hide(): void {
    cancelAnimationFrame(this.following);
    this.shown = this.popUps = '';
    if (this.layer.matches(':popover-open')) {
      this.layer.hidePopover();
    }
    this.layer.style.clipPath = '';
  }

  dispose(): void {
    this.hide();
    this.reveal.dispose();
  }

  private revealNew(parts: readonly [Rect, ...Rect[]]): void {
    const [main, ...others] = parts;
    const popUps = JSON.stringify(others);
    if (popUps !== this.popUps) {
      this.popUps = popUps;
      this.reveal.opened(() => {
        const { left, top } = this.place.getBoundingClientRect();
        const { x, y, width, height } = boundingBox(others);
        return { x: left + x - main.x, y: top + y - main.y, width, height };
      });
    }
  }

  private put(parts: readonly [Rect, ...Rect[]]): void {
    const { left, top } = this.place.getBoundingClientRect();
    const [x, y] = [left - parts[0].x, top - parts[0].y];
    const seen = seenThrough(this.place);
    const { width, height } = seen;
    const path = clipPath(parts, { x: seen.x - x, y: seen.y - y, width, height });
    const shown = `${x} ${y} ${path}`;
    if (shown !== this.shown) {
      this.shown = shown;
      this.layer.style.left = `${x}px`;
      this.layer.style.top = `${y}px`;
      this.layer.style.clipPath = path;
    }
  }
}

/** What can be seen of the page there: what the outermost element that scrolls shows of it. */
function seenThrough(place: HTMLElement): Rect {
  return (
    scrollerOf(place)?.getBoundingClientRect() ?? {
      ...{ x: 0, y: 0 },
      ...{ width: window.innerWidth, height: window.innerHeight },
    }
  );
}
