/** Tells whether an element can be seen: in the viewport, and in a tab that is shown. */
export class Sight {
  /** Whether it ever could. */
  wasVisible = false;
  private intersects = false;
  private known = false;
  private readonly observer: IntersectionObserver;

  constructor(
    target: Element,
    private readonly changed: (visible: boolean) => void,
  ) {
    this.observer = new IntersectionObserver((entries) => {
      this.intersects = entries.at(-1)?.isIntersecting ?? false;
      this.known = true;
      this.tell();
    });
    this.observer.observe(target);
    document.addEventListener('visibilitychange', this.tell);
  }

  dispose(): void {
    this.observer.disconnect();
    document.removeEventListener('visibilitychange', this.tell);
  }

  private readonly tell = (): void => {
    if (this.known) {
      this.wasVisible ||= this.intersects;
      this.changed(this.intersects && !document.hidden);
    }
  };
}
