/** What the user reads. Pure. */
import type { Phase } from './connection';
import type { DisplayInfo, Problem, Size } from './types';

export interface Words {
  /** For the toolbar, and for screen readers. */
  readonly state: string;
  /** Over the screen; null where the screen speaks for itself. */
  readonly problem: Problem | null;
  /** The button below the problem. */
  readonly retry: string | null;
}

/** The state in words. `hint` says what a long connecting waits for. */
export function wordsFor(phase: Phase, hint: string): Words {
  switch (phase.kind) {
    case 'connecting': {
      const message = hint ? `Connecting… (${hint})` : 'Connecting…';
      return { state: 'Connecting…', problem: phase.problem ?? { message }, retry: null };
    }
    case 'connected':
      return { state: 'Connected', problem: null, retry: null };
    case 'paused':
      return { state: 'Paused: out of sight', problem: null, retry: null };
    case 'closed':
      return { state: 'Closed', problem: null, retry: null };
    case 'over':
      return { state: 'Closed', problem: null, retry: null };
    case 'parked':
      return { state: 'Parked', problem: PARKED, retry: null };
    case 'waiting': {
      const message = phase.lost ? 'Connection lost' : 'No connection';
      return {
        state: `${message}, trying again`,
        problem: phase.problem ?? { message },
        retry: 'Try now',
      };
    }
    case 'ended':
      return { state: 'Ended', problem: phase.problem, retry: null };
    case 'gone':
      return { state: 'Gone', problem: phase.problem, retry: 'Try again' };
  }
}

const PARKED: Problem = {
  message: 'This display is parked: its kernel is connected to it, so the X server stays.',
  fix: 'Run %xdisplay to show it again.',
};

/** A window that does not close when it is asked to. */
export interface Stuck {
  /** It is of the kernel's own process. */
  readonly own: boolean;
  /** Its program answers. */
  readonly answers: boolean;
  /** Its program, or the kernel, can be ended from the view. */
  readonly canEnd: boolean;
  /** Its program's process, 0 where that is not known. */
  readonly pid: number;
}

/** Why a window does not close, and what the user can do. */
export function stuckWords({ own, answers, canEnd, pid }: Stuck): string {
  if (answers && (canEnd || own)) {
    return 'Its program answers, but keeps it open.';
  }
  if (!canEnd && own) {
    return 'It belongs to this kernel, which is busy: interrupt the kernel in the notebook, and the window closes if its code goes on.';
  }
  if (!canEnd) {
    const end = pid ? `with: import os; os.kill(${pid}, 9)` : 'where you started it.';
    return `If a cell is running, interrupt the kernel, through which your wish travels; else end the program ${end}`;
  }
  if (own) {
    return 'It belongs to this kernel, which is busy. Interrupted, it closes the window if its code goes on; restarted, all variables are lost.';
  }
  return 'Its program does not answer. Ending it loses what it has not saved.';
}

/** "trying again in 4 s" */
export function countdown(remainingMs: number): string {
  return `trying again in ${Math.max(1, Math.ceil(remainingMs / 1000))} s`;
}

/** ":5", or what DISPLAY is where it names a host. */
export function displayNumber(info: DisplayInfo): string {
  return info.display.replace(/^(unix)?(?=:)/, '').replace(/\.0$/, '');
}

export function sizeText(size: Size): string {
  return `${size.width}×${size.height}`;
}

/** The line in place of a view that is not open. */
export function closedLine(info: DisplayInfo): string {
  const display = `Display ${displayNumber(info)}`;
  if (info.state === 'ended') {
    return `${display} has ended. ${sentence(info.reason ?? '')}`.trim();
  }
  if (info.state === 'parked') {
    return `${display} is parked: its kernel is connected to it, so the X server stays until the kernel ends.`;
  }
  const [width, height] = info.size;
  const { xserver = '', renderer = '' } = info.chosen ?? {};
  const parts = [display, sizeText({ width, height }), shortly(xserver), shortly(renderer)];
  return parts.filter(Boolean).join(' · ');
}

/** What was chosen, without the reason. */
function shortly(chosen: string): string {
  return chosen.replace(/:.*/s, '');
}

/** Text with a capital letter at its start and a mark at its end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const ended = trimmed === '' || /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/** A file name for a screenshot, from the display's name and the local time. */
export function screenshotName(title: string, now: Date): string {
  const name = title.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 60);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return `xdisplay-${name}-${day}-${time}.png`;
}
