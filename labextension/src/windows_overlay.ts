/** Says over each window whose program does not answer that it is busy, not dead. */
import { element } from './dom';
import { windowBox } from './geometry';
import type { Size, WindowInfo } from './types';

export class WindowsOverlay {
  readonly root = element('div', { class: 'windows' });
  private windows: readonly WindowInfo[] = [];
  private screen: Size = { width: 0, height: 0 };
  private scale = 1;

  setWindows(windows: readonly WindowInfo[]): void {
    this.windows = windows;
    this.draw();
  }

  setScale(screen: Size, scale: number): void {
    this.screen = screen;
    this.scale = scale;
    this.draw();
  }

  private draw(): void {
    const busy = this.windows.filter((window) => window.responding === false);
    this.root.replaceChildren(...busy.flatMap((window) => this.chip(window)));
  }

  private chip(window: WindowInfo): HTMLElement[] {
    const box = windowBox(window, this.screen, this.scale);
    if (!box) {
      return [];
    }
    const text = `program busy — ${window.title.trim() || 'untitled window'}`;
    const place = element('div', { class: 'busy', 'data-window-id': String(window.id) });
    place.style.left = `${box.left}px`;
    place.style.top = `${box.top}px`;
    place.style.width = `${box.width}px`;
    place.style.height = `${box.height}px`;
    place.append(element('span', { class: 'chip', title: text }, text));
    return [place];
  }
}
