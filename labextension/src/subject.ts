/** What a view is of: a whole display, or one window of it. */
import type { DisplayInfo, Size, WindowInfo } from './types';
import { displayNumber, sizeText } from './words';

export class Subject {
  /** The window, as it was last; undefined for a whole display. */
  private last: WindowInfo | undefined;

  constructor(
    /** The display, as it was last. */
    public info: DisplayInfo,
    /** 0 for the whole display. */
    readonly windowId: number,
    /** The process of that window; 0: the first that is told. */
    private processId = 0,
  ) {
    this.setInfo(info);
  }

  setInfo(info: DisplayInfo): void {
    this.info = info;
    this.processId ||= info.windows?.find(({ id }) => id === this.windowId)?.pid ?? 0;
    this.last = this.window ?? this.last;
  }

  /**
   * The window as it is; undefined where it is not, or not yet, and for a whole display. X gives the
   * ids of programs that ended again: another process has another window.
   */
  get window(): WindowInfo | undefined {
    return this.info.windows?.find(
      ({ id, pid }) => id === this.windowId && (pid ?? 0) === this.processId,
    );
  }

  /** The process of the window, 0 as long as it is not known. */
  get pid(): number {
    return this.processId;
  }

  /** Its size in pixels, as far as it is known. */
  get size(): Size {
    return this.last ?? { width: this.info.size[0], height: this.info.size[1] };
  }

  get title(): string {
    const title = this.windowId ? this.last?.title : this.info.name;
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
    if (this.info.state !== 'running') {
      return [];
    }
    if (!this.windowId) {
      return this.info.windows ?? [];
    }
    return this.window ? [{ ...this.window, x: 0, y: 0 }] : [];
  }
}
