/** Closes a window; where its program does not answer, offers what helps. */
import { element, textButton } from './dom';
import type { Subject } from './subject';
import type { WindowActions, WindowInfo } from './types';
import { stuckWords } from './words';

/** How long a program has to close its window, in milliseconds. */
const PATIENCE_MS = 3000;

export class WindowControls {
  /** The question; put it over the window. */
  readonly root = element('div', { class: 'question curtain', hidden: '' });
  private timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param own - Whether it is a window of the kernel's own process.
   */
  constructor(
    private readonly actions: WindowActions,
    private readonly subject: Subject,
    private readonly own: boolean,
  ) {}

  /** Looks at what has changed about the display. */
  refresh(): void {
    if (!this.isThere || this.asksSomething) {
      this.drop();
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.isThere && !this.asksSomething) {
        this.ask();
      }
    }, PATIENCE_MS);
    this.do(this.actions.close());
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private get windows(): readonly WindowInfo[] {
    return this.subject.info.windows ?? [];
  }

  private get isThere(): boolean {
    return this.subject.window !== undefined;
  }

  /** It may close when a dialog, such as "Save changes?", is answered. */
  private get asksSomething(): boolean {
    return this.windows.some(({ parent }) => parent === this.subject.windowId);
  }

  private get words(): string {
    const { window: shown, pid } = this.subject;
    return stuckWords({
      own: this.own,
      answers: shown?.responding ?? false,
      canEnd: (this.own ? this.actions.interruptKernel : this.actions.endProgram) !== null,
      pid,
    });
  }

  private ask(): void {
    const { endProgram, interruptKernel, restartKernel } = this.actions;
    const buttons: HTMLElement[] = [];
    const offer = (words: string, name: string, action: (() => Promise<void>) | null): void => {
      if (action) {
        buttons.push(
          textButton(words, name, () => {
            this.drop();
            this.do(action());
          }),
        );
      }
    };
    if (this.own) {
      offer('Interrupt the kernel', 'interrupt', interruptKernel);
      offer('Restart the kernel', 'restart', restartKernel);
    } else {
      offer('End the program', 'end-program', endProgram);
    }
    offer('Keep it open', 'keep', () => Promise.resolve());
    this.say(`“${this.subject.title}” does not close.`, this.words, buttons);
  }

  private do(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const drop = (): void => {
        this.drop();
      };
      this.say(message, '', [textButton('All right', 'keep', drop)]);
    });
  }

  private say(message: string, more: string, buttons: HTMLElement[]): void {
    const card = element('div', { class: 'card', role: 'alertdialog', 'aria-label': message });
    card.append(
      element('p', { class: 'message' }, message),
      ...(more ? [element('p', { class: 'fix' }, more)] : []),
      element('div', { class: 'buttons' }, ...buttons),
    );
    this.root.replaceChildren(card);
    this.root.hidden = false;
  }

  private drop(): void {
    clearTimeout(this.timer);
    this.root.hidden = true;
    this.root.replaceChildren();
  }
}
