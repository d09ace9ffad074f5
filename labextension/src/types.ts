/** What the view is told, and what it needs from the place that it is shown in. */

export interface Size {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/** A top-level window; `WindowInfo` of the Python package. In pixels of the screen. */
export interface WindowInfo extends Size {
  readonly id: number;
  readonly title: string;
  readonly x: number;
  readonly y: number;
  /** False: the program does not answer `_NET_WM_PING`. Null: it takes no part in it. */
  readonly responding: boolean | null;
  /** Its program's process, 0 where X does not tell. */
  readonly pid?: number;
  /** The window that a dialog belongs to, 0 for one that is no dialog. */
  readonly parent?: number;
}

/** A display as it is; the fields of the Python package's `DisplayInfo` that a view uses. */
export interface DisplayInfo {
  readonly id: string;
  readonly name: string;
  readonly state: 'running' | 'parked' | 'ended';
  /** The value of DISPLAY. */
  readonly display: string;
  /** The kernel that it was started for. */
  readonly kernel_id?: string | null;
  /** Width and height in pixels. */
  readonly size: readonly [number, number];
  readonly windows?: readonly WindowInfo[];
  /** What runs, and why, by part: xserver, window_manager, stream, runtime. */
  readonly chosen?: Readonly<Record<string, string>>;
  readonly notice?: string | null;
  readonly reason?: string | null;
  readonly fix?: string | null;
  readonly log?: readonly string[];
}

/** Tells x11vnc by `DisplayInfo.chosen.stream`, "name: why". */
export function isX11vnc(stream: string | undefined): boolean {
  return /^x11vnc\b/.test(stream ?? '');
}

/** What went wrong, in words; `XDisplayError` of the Python package. */
export interface Problem {
  readonly message: string;
  readonly fix?: string | null;
  readonly log?: readonly string[];
  /** Trying again cannot help. */
  readonly final?: boolean;
}

/** How a channel ended. Codes are those of WebSockets (RFC 6455, 7.4). */
export interface Closing {
  readonly code: number;
  readonly reason: string;
  /** Whether it had been open. */
  readonly opened: boolean;
}

/** Close code: there is no such display (any more). */
export const CLOSED_NO_SUCH_DISPLAY = 4404;

/** Close code: what came was not RFB. */
export const PROTOCOL_ERROR = 1002;

/** The part of a WebSocket that noVNC needs (its core/websock.js). */
export interface RfbChannel {
  binaryType: string;
  readonly protocol: string;
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<ArrayBuffer>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Hears about one display. */
export interface Watcher {
  info(info: DisplayInfo): void;
  /** It cannot be watched any more, and trying again cannot help. */
  gone(problem: Problem): void;
}

export type Disposer = () => void;

/** `RecordingInfo` of the Python package. */
export interface Recording {
  readonly state: 'running' | 'done' | 'failed';
  /** The file, as Jupyter's contents manager names it. */
  readonly path: string;
  readonly message?: string | null;
  readonly fix?: string | null;
}

export type RecordingFormat = 'gif' | 'mp4';

/** Each rejects with words for the user. */
export interface RecordingActions {
  start(seconds: number, format: RecordingFormat): Promise<void>;
  stop(): Promise<void>;
  state(): Promise<Recording>;
}

/** What can be done with the window of a view. Each rejects with words for the user. */
export interface WindowActions {
  /** Asks its program to close it. */
  close(): Promise<void>;
  /** Ends its program; null where that cannot be done from here. */
  readonly endProgram: (() => Promise<void>) | null;
  /** The same for the kernel whose own window it is. */
  readonly interruptKernel: (() => Promise<void>) | null;
  readonly restartKernel: (() => Promise<void>) | null;
  /** The address of a page of its own, for a window of that process; null where there is none. */
  readonly page: ((pid: number) => string) | null;
  /** Null where it cannot be recorded from here. */
  readonly recording: RecordingActions | null;
}

/** Reaches one display. */
export interface Transport {
  /** How long the RFB handshake may take, in milliseconds; null: as long as it takes. */
  readonly patienceMs: number | null;
  /** What is said while the RFB handshake takes long. */
  readonly patienceHint: string;
  /** A channel for RFB bytes that is about to open. */
  openRfb(): RfbChannel;
  watch(watcher: Watcher): Disposer;
  /** For one window of the display; null for the whole of it. */
  readonly window: WindowActions | null;
  /** Asks for the display to be stopped; how it is then, where the transport is told at once. */
  stop(): Promise<DisplayInfo | null>;
  /**
   * A PNG of what is left of it once it is gone; null where there is none, or where the kernel puts
   * one in the place of the view. `pid` is the process of the window.
   */
  lastPicture(pid: number): Promise<Blob | null>;
  /** Why a channel ended, or (not `opened`) never was; null where there is nothing to add. */
  explain(opened: boolean): Promise<Problem | null>;
}
