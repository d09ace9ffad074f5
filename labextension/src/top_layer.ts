/** Shows what reaches beyond a window, such as menus, over the page: nothing of it is cut off. */
import { clipPath, type Rect } from './geometry';

export class TopLayer {
  private following = 0;
  private shown = '';

  /**
   * @param layer - Has the whole framebuffer.
   * @param place - Where the window itself stays on the page.
   */
  constructor(
    private readonly layer: HTMLElement,
    private readonly place: HTMLElement,
  ) {
    layer.popover = 'manual';
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
  }

  hide(): void {
    cancelAnimationFrame(this.following);
    this.shown = '';
    if (this.layer.matches(':popover-open')) {
      this.layer.hidePopover();
    }
    this.layer.style.clipPath = '';
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
  let seen: Rect = { x: 0, y: 0, width: window.innerWidth, height: window.innerHeight };
  for (let node = parentOf(place); node; node = parentOf(node)) {
    if (node.scrollHeight > node.clientHeight && scrolls(node)) {
      seen = node.getBoundingClientRect();
    }
  }
  return seen;
}

function scrolls(node: HTMLElement): boolean {
  return /auto|scroll/.test(getComputedStyle(node).overflowY);
}

function parentOf(node: HTMLElement): HTMLElement | null {
  const root = node.getRootNode();
  return node.parentElement ?? (root instanceof ShadowRoot ? (root.host as HTMLElement) : null);
}
