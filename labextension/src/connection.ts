/** Whether the pixels' channel should be open, and what to do when it is not. No DOM in here. */
import { Backoff } from './backoff';
import {
  CLOSED_NO_SUCH_DISPLAY,
  PROTOCOL_ERROR,
  type Closing,
  type DisplayInfo,
  type Problem,
} from './types';
import { sentence } from './words';

/** What the user is told. */
export type Phase =
  /** `problem` is that of the attempt before. */
  | { readonly kind: 'connecting'; readonly problem: Problem | null }
  | { readonly kind: 'connected' }
  | { readonly kind: 'paused' }
  /** `lost`: there was a connection before. */
  | {
      readonly kind: 'waiting';
      readonly lost: boolean;
      /** On the clock of `performance.now()`. */
      readonly retryAt: number;
      readonly problem: Problem | null;
    }
  | { readonly kind: 'parked' }
  | { readonly kind: 'closed' }
  /** The window was closed, as windows are. */
  | { readonly kind: 'over' }
  | { readonly kind: 'ended'; readonly problem: Problem }
  | { readonly kind: 'gone'; readonly problem: Problem };

/** The channel and the clock, given by the view (and by tests). */
export interface Link {
  open(): void;
  close(): void;
  explain(opened: boolean): Promise<Problem | null>;
  after(delayMs: number, callback: () => void): () => void;
}

/** How long a view may be out of sight before its stream stops, in milliseconds. */
export const GRACE_MS = 2000;

export const GONE: Problem = {
  message: 'This display is gone.',
  fix: 'Run %xdisplay to start a new one.',
};

const UNREADABLE = 'The RFB stream could not be read.';

/** Connects while the display runs and is seen; tries again, later and later, after a loss. */
export class Connection {
  private phaseNow: Phase = { kind: 'connecting', problem: null };
  private link: 'idle' | 'opening' | 'open' = 'idle';
  private visible = false;
  private seen = false;
  private worked = false;
  private problem: Problem | null = null;
  private wanted = true;
  private info: DisplayInfo | null = null;
  private final: Problem | null = null;
  private over = false;
  private cancelTimer: (() => void) | null = null;
  private disposed = false;

  constructor(
    private readonly actions: Link,
    private readonly told: (phase: Phase) => void,
    private readonly backoff = new Backoff(),
    private readonly isWindow = false,
  ) {}

  get phase(): Phase {
    return this.phaseNow;
  }

  /** The view came into sight, or went out of it. */
  setVisible(visible: boolean): void {
    if (visible === this.visible && this.seen) {
      return;
    }
    this.visible = visible;
    if (!visible && this.seen && this.link !== 'idle') {
      this.wait(GRACE_MS, () => {
        this.settle();
      });
      return;
    }
    this.seen = true;
    this.settle();
  }

  /** The user closed the view, or wants it back. */
  setWanted(wanted: boolean): void {
    this.wanted = wanted;
    this.settle();
  }

  setInfo(info: DisplayInfo): void {
    const before = this.info?.state;
    this.info = info;
    const back = info.state === 'running' && this.final !== null;
    if (back) {
      this.final = null;
    }
    if (before !== info.state || back) {
      this.backoff.reset();
      this.settle();
    }
  }

  /** The window has closed, or is back: toolkits hide and show theirs. */
  setOver(over: boolean): void {
    if (over !== this.over) {
      this.over = over;
      this.backoff.reset();
      this.settle();
    }
  }

  setGone(problem: Problem): void {
    this.final = problem;
    this.settle();
  }

  /** The first frame is there: the channel works. */
  opened(): void {
    if (this.link === 'opening') {
      this.link = 'open';
      this.worked = true;
      this.problem = null;
      this.backoff.reset();
      this.settle();
    }
  }

  /** The channel ended by itself. */
  lost(closing: Closing): void {
    if (this.link === 'idle' || this.disposed) {
      return;
    }
    this.link = 'idle';
    if (closing.code === CLOSED_NO_SUCH_DISPLAY) {
      if (this.isWindow) {
        this.setOver(true);
      } else {
        this.setGone(GONE);
      }
    } else if (this.mayOpen()) {
      this.tryLater(closing);
    } else {
      this.settle();
    }
  }

  /** The user clicked, or the network is back. */
  retryNow(): void {
    this.final = null;
    this.backoff.reset();
    if (this.link === 'idle') {
      this.clearTimer();
      this.settle();
    }
  }

  dispose(): void {
    this.disposed = true;
    this.clearTimer();
    this.closeLink();
  }

  private mayOpen(): boolean {
    const running = (this.info?.state ?? 'running') === 'running';
    return this.wanted && this.visible && running && this.final === null && !this.over;
  }

  private settle(): void {
    if (this.disposed) {
      return;
    }
    if (this.mayOpen()) {
      this.keepOpen();
      return;
    }
    this.clearTimer();
    this.closeLink();
    this.problem = null;
    this.tell(this.restingPhase());
  }

  private keepOpen(): void {
    if (this.link === 'idle' && this.phaseNow.kind === 'waiting' && this.cancelTimer) {
      return;
    }
    this.clearTimer();
    if (this.link === 'idle') {
      this.link = 'opening';
      this.tellConnecting();
      this.actions.open();
    } else if (this.link === 'open') {
      this.tell({ kind: 'connected' });
    } else {
      this.tellConnecting();
    }
  }

  private restingPhase(): Phase {
    if (this.over) {
      return { kind: 'over' };
    }
    if (this.info?.state === 'ended') {
      return { kind: 'ended', problem: endOf(this.info) };
    }
    if (this.final) {
      return { kind: 'gone', problem: this.final };
    }
    if (this.info?.state === 'parked') {
      return { kind: 'parked' };
    }
    return { kind: this.wanted ? 'paused' : 'closed' };
  }

  private tryLater({ code, reason, opened }: Closing): void {
    const message = reason || (code === PROTOCOL_ERROR ? UNREADABLE : '');
    this.problem = message ? { message } : this.problem;
    const delayMs = this.backoff.next();
    const retryAt = performance.now() + delayMs;
    this.tell({ kind: 'waiting', lost: this.worked, retryAt, problem: this.problem });
    this.wait(delayMs, () => {
      this.settle();
    });
    void this.actions.explain(opened).then((why) => {
      this.explained(why ?? (message ? { message } : null));
    });
  }

  private explained(why: Problem | null): void {
    if (this.disposed || this.link === 'open') {
      return;
    }
    this.problem = why;
    if (why?.final) {
      this.setGone(why);
    } else if (this.phaseNow.kind === 'waiting' || this.phaseNow.kind === 'connecting') {
      this.tell({ ...this.phaseNow, problem: why });
    }
  }

  private wait(delayMs: number, callback: () => void): void {
    this.clearTimer();
    this.cancelTimer = this.actions.after(delayMs, () => {
      this.cancelTimer = null;
      callback();
    });
  }

  private clearTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private closeLink(): void {
    if (this.link !== 'idle') {
      this.link = 'idle';
      this.actions.close();
    }
  }

  private tellConnecting(): void {
    this.tell({ kind: 'connecting', problem: this.problem });
  }

  private tell(phase: Phase): void {
    this.phaseNow = phase;
    this.told(phase);
  }
}

/** Why a display ended; reasons may be sentences of their own, or begin with "it". */
function endOf({ reason, fix, log }: DisplayInfo): Problem {
  const whole = /^(The|This) /.test(reason ?? '');
  const message = `${whole ? '' : 'The display has ended. '}${sentence(reason ?? '')}`.trim();
  return { message, fix: fix ?? GONE.fix ?? null, log: log ?? [] };
}
