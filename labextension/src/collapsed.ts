/** The slim line that is left of a closed view. */
import { element, icon, textButton } from './dom';
import type { DisplayInfo } from './types';
import { closedLine } from './words';

export interface CollapsedActions {
  readonly show: () => void;
  /** Rejects with words for the user. */
  readonly stop: () => Promise<void>;
}

export class Collapsed {
  readonly root: HTMLElement;
  private readonly words = element('span', { class: 'line-words', role: 'status' });
  private readonly showButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;

  constructor(actions: CollapsedActions) {
    this.showButton = textButton('Show desktop', 'show', actions.show);
    this.stopButton = textButton('Stop display', 'stop', () => {
      this.words.textContent = 'Stopping…';
      this.stopButton.disabled = true;
      actions.stop().catch((error: unknown) => {
        this.words.textContent = error instanceof Error ? error.message : String(error);
        this.stopButton.disabled = false;
      });
    });
    this.root = element('div', { class: 'line', hidden: '' });
    this.root.append(icon('display'), this.words, this.showButton, this.stopButton);
  }

  setInfo(info: DisplayInfo): void {
    this.words.textContent = closedLine(info);
    this.stopButton.hidden = info.state !== 'running';
    this.stopButton.disabled = false;
  }

  focus(): void {
    this.showButton.focus();
  }
}
