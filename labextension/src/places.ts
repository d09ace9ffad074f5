/** Views outlive their places: a cell that is run, moved or drawn anew does not flicker. */
import type { Disposer } from './types';

export interface Movable {
  readonly host: Node;
  /** Whether it ever was in sight. */
  readonly wasSeen: boolean;
  dispose(): void;
}

/** The part of an element that a place is. */
export interface Place {
  readonly parentNode: unknown;
  append(node: Node): void;
}

/** How long a view outlives its place, in milliseconds. */
export const PARKED_MS = 2000;

interface Kept<View> {
  readonly key: unknown;
  readonly view: View;
  place: Place | null;
  timer?: ReturnType<typeof setTimeout>;
}

export class Places<View extends Movable> {
  private all: Kept<View>[] = [];

  /**
   * Puts a view into a place: one of the same key that has none any more, else a new one.
   *
   * @returns the view, and what gives the place up.
   */
  settle(key: unknown, place: Place, make: () => View): { view: View; leave: Disposer } {
    const kept = this.free(key) ?? this.add(key, make());
    clearTimeout(kept.timer);
    kept.place = place;
    place.append(kept.view.host);
    const leave = (): void => {
      if (kept.place === place) {
        this.park(kept);
      } // else it is in another place already
    };
    return { view: kept.view, leave };
  }

  private add(key: unknown, view: View): Kept<View> {
    const kept = { key, view, place: null };
    this.all.push(kept);
    return kept;
  }

  private free(key: unknown): Kept<View> | undefined {
    return this.all.find((kept) => kept.key === key && isFree(kept));
  }

  /** Keeps it for the next place; one of each key. */
  private park(kept: Kept<View>): void {
    const other = this.all.some(({ key, place }) => key === kept.key && place === null);
    kept.place = null;
    if (other) {
      this.drop(kept);
    } else {
      kept.timer = setTimeout(() => {
        this.drop(kept);
      }, PARKED_MS);
    }
  }

  private drop(kept: Kept<View>): void {
    this.all = this.all.filter((other) => other !== kept);
    kept.view.dispose();
  }
}

/**
 * JupyterLab draws an output anew by emptying it, and tells the old view only when the whole output
 * goes. A place that is new has no parent yet either; but nothing in it was ever seen.
 */
function isFree({ place, view }: Kept<Movable>): boolean {
  return place === null || (place.parentNode === null && view.wasSeen);
}
