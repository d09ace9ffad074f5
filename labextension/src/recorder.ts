/** Records a window into a file beside the notebook, at the press of a button. */
import { element, icon, iconButton, label, textButton } from './dom';
import type { Recording, RecordingActions, RecordingFormat } from './types';

/** The longest recording, in seconds (the server's limit); a second press ends it earlier. */
const LONGEST_S = 120;
const ASK_MS = 500;

export class Recorder {
  readonly button: HTMLButtonElement;
  /** How it went; put it below the window. */
  readonly words = element('div', { class: 'notice', role: 'status' });
  private running = false;
  private choosing = false;
  private disposed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly actions: RecordingActions) {
    this.button = iconButton('record', 'record', () => {
      if (this.running) {
        void this.do(() => this.end());
      } else {
        this.choose();
      }
    });
    this.show(false);
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
  }

  /** Offers the formats; a second press takes that back. */
  private choose(): void {
    this.choosing = !this.choosing;
    const offer = (words: string, format: RecordingFormat): HTMLElement =>
      textButton(words, `record-${format}`, () => void this.do(() => this.begin(format)));
    const offers = [offer('GIF', 'gif'), offer('MP4', 'mp4')];
    this.words.replaceChildren(...(this.choosing ? ['Record as ', ...offers] : []));
  }

  private async begin(format: RecordingFormat): Promise<void> {
    this.choosing = false;
    await this.actions.start(LONGEST_S, format);
    this.told('Recording. Press the button again to end it.');
    this.show(true);
  }

  private async end(): Promise<void> {
    await this.actions.stop();
    this.told('Writing the recording…');
  }

  private async do(action: () => Promise<void>): Promise<void> {
    this.button.disabled = true;
    try {
      await action();
      this.ask();
    } catch (error) {
      await this.failed(error instanceof Error ? error.message : String(error));
    } finally {
      this.button.disabled = false;
    }
  }

  /** Another view may have begun a recording already: then this one can end it. */
  private async failed(words: string): Promise<void> {
    const now = this.running ? null : await this.actions.state().catch(() => null);
    if (now?.state === 'running') {
      this.told('It is being recorded. Press the button again to end that.');
      this.show(true);
      this.ask();
    } else {
      this.over(words);
    }
  }

  /** It also ends with its window, or when it is long enough. */
  private ask(): void {
    clearTimeout(this.timer);
    if (this.disposed) {
      return;
    }
    this.timer = setTimeout(() => {
      this.actions.state().then(this.take, (error: unknown) => {
        this.over(String(error));
      });
    }, ASK_MS);
  }

  private readonly take = ({ state, path, message, fix }: Recording): void => {
    if (state === 'running') {
      this.ask();
    } else if (state === 'done') {
      this.over(`Recorded: ${path}`);
    } else {
      this.over([message, fix].filter(Boolean).join(' '));
    }
  };

  private over(words: string): void {
    clearTimeout(this.timer);
    this.show(false);
    this.told(words);
  }

  private told(words: string): void {
    this.words.textContent = words;
  }

  private show(running: boolean): void {
    this.running = running;
    this.button.replaceChildren(icon(running ? 'stop' : 'record'));
    this.button.setAttribute('aria-pressed', String(running));
    const words = 'Record it into the folder of the notebook';
    label(this.button, running ? 'End the recording' : words);
  }
}
