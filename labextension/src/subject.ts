/** What a view is of: a whole display, or one window of it. */
import type { DisplayInfo, Size, WindowInfo } from './types';
import { displayNumber, sizeText } from './words';

export class Subject {
  /** The window, as it was last; undefined for a whole display. */
  private window: WindowInfo | undefined;

  constructor(
    /** The display, as it was last. */
    public info: DisplayInfo,
    /** 0 for the whole display. */
    readonly windowId: number,
    /** The process of that window; 0 where it is not known. */
    readonly pid = 0,
  ) {
    this.setInfo(info);
  }

  setInfo(info: DisplayInfo): void {
    this.info = info;
    this.window = info.windows?.find(({ id }) => id === this.windowId) ?? this.window;
  }

  /** Its size in pixels, as far as it is known. */
  get size(): Size {
    return this.window ?? { width: this.info.size[0], height: this.info.size[1] };
  }

  get title(): string {
    const title = this.windowId ? this.window?.title : this.info.name;
    return title?.trim() || 'untitled window';
  }

  /** What stands beside the title. */
  beside(size: Size): string {
    const words = this.windowId ? [] : [displayNumber(this.info)];
    return [...words, sizeText(size)].join(' · ');
  }

  /** For screen readers. */
  get name(): string {
    return this.windowId ? `window ${this.title}` : `screen of X display ${this.title}`;
  }

  /** The windows that are seen, where they are in the view. */
  get windows(): readonly WindowInfo[] {
    const windows = this.info.state === 'running' ? (this.info.windows ?? []) : [];
    return this.windowId
      ? windows.filter(({ id }) => id === this.windowId).map((own) => ({ ...own, x: 0, y: 0 }))
      : windows;
  }
}
