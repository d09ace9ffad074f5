/** What scrolls around an element, also beyond its shadow tree. */

/** The outermost ancestor that scrolls now; null for none. */
export function scrollerOf(place: HTMLElement): HTMLElement | null {
  let found: HTMLElement | null = null;
  for (let node = parentOf(place); node; node = parentOf(node)) {
    if (node.scrollHeight > node.clientHeight && scrolls(node)) {
      found = node;
    }
  }
  return found;
}

function scrolls(node: HTMLElement): boolean {
  return /auto|scroll/.test(getComputedStyle(node).overflowY);
}

function parentOf(node: HTMLElement): HTMLElement | null {
  const root = node.getRootNode();
  return node.parentElement ?? (root instanceof ShadowRoot ? (root.host as HTMLElement) : null);
}
