/** Full screen of one element in a shadow tree. */
export class FullScreen {
  constructor(
    private readonly root: ShadowRoot,
    private readonly element: HTMLElement,
    private readonly changed: () => void,
    private readonly entered: () => void,
  ) {
    document.addEventListener('fullscreenchange', changed);
  }

  get isOn(): boolean {
    return this.root.fullscreenElement === this.element;
  }

  async toggle(): Promise<void> {
    if (this.isOn) {
      await document.exitFullscreen();
    } else {
      await this.element.requestFullscreen();
      lockKeyboard();
      this.entered();
    }
  }

  leave(): void {
    if (this.isOn) {
      void document.exitFullscreen();
    }
  }

  dispose(): void {
    document.removeEventListener('fullscreenchange', this.changed);
  }
}

/** In full screen Escape shall reach the display, where the browser can do that: hold it to leave. */
function lockKeyboard(): void {
  const { keyboard } = navigator as { keyboard?: { lock?: (codes: string[]) => Promise<void> } };
  keyboard?.lock?.(['Escape']).catch(() => undefined);
}
