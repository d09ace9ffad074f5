/** What is said over the screen while it shows nothing live. */
import { element, textButton } from './dom';
import type { Problem } from './types';
import { countdown, sentence, type Words } from './words';

export class Curtain {
  readonly root = element('div', { class: 'curtain', hidden: '' });
  private readonly timeLeft = element('p', { class: 'countdown', 'aria-hidden': 'true' });
  private ticking: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly retry: () => void) {}

  /** Shows words; counts down to the next attempt at `retryAt` (`performance.now()`). */
  show(words: Words, retryAt: number | null): void {
    clearInterval(this.ticking);
    this.root.hidden = words.problem === null;
    if (words.problem === null) {
      this.root.replaceChildren();
      return;
    }
    const card = element('div', { class: 'card' }, ...problemNodes(words.problem));
    if (retryAt !== null) {
      this.tick(retryAt);
      card.append(this.timeLeft);
    }
    if (words.retry !== null) {
      card.append(textButton(words.retry, 'retry', this.retry));
    }
    this.root.classList.toggle('quiet', words.retry === null && !words.problem.fix);
    this.root.classList.toggle('slim', !words.problem.fix && !words.problem.log?.length);
    this.root.replaceChildren(card);
  }

  dispose(): void {
    clearInterval(this.ticking);
  }

  private tick(retryAt: number): void {
    const write = (): void => {
      this.timeLeft.textContent = countdown(retryAt - performance.now());
    };
    write();
    this.ticking = setInterval(write, 250);
  }
}

function problemNodes({ message, fix, log }: Problem): HTMLElement[] {
  const nodes: HTMLElement[] = [element('p', { class: 'message' }, message)];
  if (fix) {
    nodes.push(element('p', { class: 'fix' }, sentence(fix)));
  }
  if (log && log.length > 0) {
    nodes.push(
      element(
        'details',
        {},
        element('summary', {}, 'Last lines of its log'),
        element('pre', { tabindex: '0' }, log.join('\n')),
      ),
    );
  }
  return nodes;
}
