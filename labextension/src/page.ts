/** A page of its own for one window, or for a whole display (server/view_page.py). */
import css from './page.css';
import { ServerTransport } from './server_transport';
import type { DisplayInfo, Disposer, Watcher, WindowActions } from './types';
import { View } from './view';

interface PageData {
  readonly info: DisplayInfo;
  /** 0 for the whole display. */
  readonly window: number;
  /** The process of the window; 0 where it is not known. */
  readonly pid: number;
  /** Whether that is the kernel's own. */
  readonly own: boolean;
}

/** Names the page after its window, which may change its title. */
class PageTransport extends ServerTransport {
  override get window(): WindowActions | null {
    const actions = super.window;
    return actions && { ...actions, page: null };
  }

  override watch(watcher: Watcher): Disposer {
    return super.watch({
      info: (info) => {
        const own = info.windows?.find(({ id }) => id === this.windowId);
        document.title = own?.title || document.title;
        watcher.info(info);
      },
      gone: (problem) => {
        watcher.gone(problem);
      },
    });
  }
}

const data = document.getElementById('xdisplay-data')?.textContent ?? '';
const { info, window: windowId, pid, own } = JSON.parse(data) as PageData;
const transport = new PageTransport(info.id, windowId);
const view = new View({
  info,
  transport,
  windowId,
  pid,
  own,
  scaling: 'fit',
  onScaling: () => undefined,
});
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);
view.host.shadowRoot?.adoptedStyleSheets.push(sheet);
document.body.replaceChildren(view.host);
