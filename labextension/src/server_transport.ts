/** Reaches a display through the server extension on this page's Jupyter server. */
import { Backoff } from './backoff';
import { GONE } from './connection';
import type { PageKernel } from './comm_model';
import { cookie, readPageConfig, type PageConfig } from './page_config';
import { SharedWatches } from './shared_watch';
import {
  CLOSED_NO_SUCH_DISPLAY,
  type DisplayInfo,
  type Disposer,
  type Problem,
  type Recording,
  type RfbChannel,
  type Transport,
  type Watcher,
  type WindowActions,
} from './types';

type Method = 'GET' | 'POST' | 'DELETE';

const NO_EXTENSION: Problem = {
  message: 'The Jupyter server of this page does not know jupyter_xdisplay.',
  fix:
    'Install jupyter-xdisplay where that server runs (not only where the kernel runs), check ' +
    'with "jupyter server extension list", and restart the server.',
};

const NOT_ALLOWED: Problem = {
  message: 'The Jupyter server refused: you are not logged in, or may not use this display.',
  fix: 'Reload the page and log in.',
};

const NO_ANSWER: Problem = {
  message: 'The Jupyter server does not answer.',
  fix: 'See whether it still runs.',
};

const NO_WEBSOCKET: Problem = {
  message: 'The Jupyter server answers, but its WebSocket for this display does not open.',
  fix: 'If there is a proxy in front of the server, let it pass WebSockets under /xdisplay/.',
};

/** Of all views on this page. */
const watches = new SharedWatches();

export class ServerTransport implements Transport {
  readonly patienceMs = 10_000;
  readonly patienceHint = '';
  private readonly path: string;

  /**
   * @param windowId - One window of the display; 0: the whole of it.
   * @param pageKernel - The page's own connection to its kernel, whichever that is.
   */
  constructor(
    private readonly displayId: string,
    protected readonly windowId = 0,
    private readonly pageKernel: () => PageKernel | null = () => null,
    private readonly config: PageConfig = readPageConfig(document),
  ) {
    this.path = `xdisplay/api/displays/${encodeURIComponent(displayId)}`;
  }

  openRfb(): RfbChannel {
    return this.socket(this.windowId ? `rfb?window=${this.windowId}` : 'rfb');
  }

  watch(watcher: Watcher): Disposer {
    const address = new URL(this.path, this.config.baseUrl).href;
    return watches.watch(address, watcher, (all) => this.follow(all));
  }

  /** Tells about every change, also after the connection was lost. */
  private follow(watcher: Watcher): Disposer {
    const backoff = new Backoff();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let socket: WebSocket | null = null;
    let over = false;
    const open = (): void => {
      let ended = false;
      socket = this.socket('events');
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        const info = JSON.parse(data) as DisplayInfo;
        ended = info.state === 'ended';
        backoff.reset();
        watcher.info(info);
      };
      socket.onclose = ({ code }) => {
        if (over || ended) {
          return;
        }
        if (code === CLOSED_NO_SUCH_DISPLAY) {
          watcher.gone(GONE);
        } else {
          timer = setTimeout(open, backoff.next());
        }
      };
    };
    const retryNow = (): void => {
      if (socket?.readyState === WebSocket.CLOSED && !over) {
        clearTimeout(timer);
        open();
      }
    };
    open();
    window.addEventListener('online', retryNow);
    return () => {
      over = true;
      clearTimeout(timer);
      window.removeEventListener('online', retryNow);
      socket?.close();
    };
  }

  async stop(): Promise<DisplayInfo | null> {
    return (await (await this.ask('DELETE', this.path)).json()) as DisplayInfo;
  }

  async lastPicture(pid: number): Promise<Blob | null> {
    const { path, windowId } = this;
    const target = windowId ? `${path}/windows/${windowId}?pid=${pid}` : `${path}/screenshot`;
    try {
      const response = await this.fetch('GET', target);
      return response.ok ? await response.blob() : null;
    } catch {
      return null; // the view says that the server does not answer
    }
  }

  async explain(opened: boolean): Promise<Problem | null> {
    let response: Response;
    try {
      response = await this.fetch('GET', this.path);
    } catch {
      return NO_ANSWER;
    }
    if (!response.ok) {
      return problemOf(response);
    }
    const info = (await response.json()) as DisplayInfo;
    return info.state === 'running' && !opened ? NO_WEBSOCKET : null;
  }

  private socket(name: string): WebSocket {
    const url = new URL(`${this.path}/${name}`, this.config.wsUrl);
    if (this.config.token) {
      url.searchParams.set('token', this.config.token);
    }
    return new WebSocket(url);
  }

  get window(): WindowActions | null {
    if (!this.windowId) {
      return null;
    }
    const path = `${this.path}/windows/${this.windowId}`;
    const ask = async (method: Method, where: string, body?: unknown): Promise<void> => {
      await this.ask(method, where, body);
    };
    const kernel = async (action: 'interrupt' | 'restart'): Promise<void> => {
      const { kernel_id } = (await (await this.ask('GET', this.path)).json()) as DisplayInfo;
      const own = this.pageKernel();
      await (own && own.id === kernel_id
        ? own[action]()
        : ask('POST', `api/kernels/${encodeURIComponent(kernel_id ?? '')}/${action}`));
    };
    const page = `xdisplay/view/${encodeURIComponent(this.displayId)}?window=${this.windowId}`;
    const { baseUrl } = this.config;
    return {
      close: () => ask('DELETE', path),
      endProgram: () => ask('DELETE', `${path}?force=1`),
      interruptKernel: () => kernel('interrupt'),
      restartKernel: () => kernel('restart'),
      page: (pid) => new URL(pid ? `${page}&pid=${pid}` : page, baseUrl).href,
      recording: {
        start: (seconds, format) => ask('POST', `${path}/recording`, { format, seconds }),
        stop: () => ask('DELETE', `${path}/recording`),
        state: async () => (await (await this.ask('GET', `${path}/recording`)).json()) as Recording,
      },
    };
  }

  /** @throws Error with words for the user when the server refuses. */
  private async ask(method: Method, path: string, body?: unknown): Promise<Response> {
    const response = await this.fetch(method, path, body);
    if (!response.ok) {
      throw new Error(describe(await problemOf(response)));
    }
    return response;
  }

  private fetch(method: Method, path: string, body?: unknown): Promise<Response> {
    const headers = new Headers();
    if (this.config.token) {
      headers.set('Authorization', `token ${this.config.token}`);
    }
    const xsrf = cookie(document, '_xsrf');
    if (xsrf !== null) {
      headers.set('X-XSRFToken', xsrf);
    }
    const init: RequestInit = { method, headers, cache: 'no-store' };
    if (body !== undefined) {
      headers.set('Content-Type', 'application/json');
      init.body = JSON.stringify(body);
    }
    return fetch(new URL(path, this.config.baseUrl), init);
  }
}

/** What the server says is wrong; what its silence means where it says nothing. */
async function problemOf(response: Response): Promise<Problem> {
  const said = await ownProblem(response);
  if (said) {
    // 404: no such display, 410: it ended. Trying again helps with neither.
    return { ...said, final: response.status === 404 || response.status === 410 };
  }
  if (response.status === 401 || response.status === 403) {
    return NOT_ALLOWED;
  }
  if (response.status === 404) {
    return NO_EXTENSION;
  }
  return { message: `The Jupyter server answered ${response.status} ${response.statusText}.` };
}

/** `XDisplayError.to_json()`, or null: Jupyter's own errors have no `error` with a message. */
async function ownProblem(response: Response): Promise<Problem | null> {
  try {
    const body = (await response.json()) as Partial<Problem> & { error?: unknown };
    if (typeof body.error === 'string' && typeof body.message === 'string') {
      return { message: body.message, fix: body.fix ?? null, log: body.log ?? [] };
    }
  } catch {
    // Not JSON: not from the extension.
  }
  return null;
}

function describe(problem: Problem): string {
  return [problem.message, problem.fix].filter(Boolean).join(' ');
}
