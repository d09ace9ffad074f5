/** One stream of news of each display for all of its views on a page. */
import type { DisplayInfo, Disposer, Watcher } from './types';

type Open = (watcher: Watcher) => Disposer;

export class SharedWatches {
  private readonly open = new Map<string, SharedWatch>();

  /**
   * Hears about a display; the newest that is known comes at once, but never inside of the call.
   *
   * @param open - Opens the stream of that display, where no other view has.
   */
  watch(display: string, watcher: Watcher, open: Open): Disposer {
    let shared = this.open.get(display);
    if (!shared) {
      const made: SharedWatch = new SharedWatch(() => {
        if (this.open.get(display) === made) {
          this.open.delete(display);
        }
      });
      this.open.set(display, (shared = made));
      made.start(open);
    }
    return shared.join(watcher);
  }
}

class SharedWatch {
  private readonly watchers = new Set<Watcher>();
  private last: DisplayInfo | null = null;
  private close: Disposer = () => undefined;

  /**
   * @param over - Nothing more will be heard, or nobody listens: who comes later begins anew.
   */
  constructor(private readonly over: () => void) {}

  start(open: Open): void {
    this.close = open({
      info: (info) => {
        this.last = info;
        if (info.state === 'ended') {
          this.over();
        }
        for (const watcher of [...this.watchers]) {
          watcher.info(info);
        }
      },
      gone: (problem) => {
        this.over();
        for (const watcher of [...this.watchers]) {
          watcher.gone(problem);
        }
      },
    });
  }

  join(watcher: Watcher): Disposer {
    // An object of its own: one that watches twice is told twice.
    const joined: Watcher = {
      info: (info) => {
        watcher.info(info);
      },
      gone: (problem) => {
        watcher.gone(problem);
      },
    };
    this.watchers.add(joined);
    queueMicrotask(() => {
      if (this.last && this.watchers.has(joined)) {
        joined.info(this.last);
      }
    });
    return () => {
      if (this.watchers.delete(joined) && this.watchers.size === 0) {
        this.over();
        this.close();
      }
    };
  }
}
