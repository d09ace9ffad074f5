/** The live view of one display. It knows nothing of the page that it is shown in. */
import { ClipboardBridge, clipboardFor } from './clipboard';
import { Collapsed } from './collapsed';
import type { Phase } from './connection';
import { Curtain } from './curtain';
import { element, focusableAround } from './dom';
import type { Scaling } from './geometry';
import { FullScreen } from './full_screen';
import { Recorder } from './recorder';
import { ResizeCorner } from './resize_corner';
import { keepKeysFromPage } from './keyboard';
import { copy, save } from './screenshots';
import { Sight } from './sight';
import { Stage } from './stage';
import { Stream } from './stream';
import css from './style.css';
import { Subject } from './subject';
import { Toolbar } from './toolbar';
import type { Transport } from './types';
import type { ViewOptions } from './view_options';
import { WindowControls } from './window_controls';
import { wordsFor } from './words';

export class View {
  /** Put it where the view shall be; it may be moved. */
  readonly host = element('div', { class: 'xdisplay' });
  onScaling: (scaling: Scaling) => void;
  private readonly shadow = this.host.attachShadow({ mode: 'open' });
  private readonly frame = element('div', { class: 'frame' });
  private readonly notice = element('div', { class: 'notice', role: 'status' });
  private readonly fullScreen: FullScreen;
  private readonly toolbar: Toolbar;
  private readonly curtain: Curtain;
  private readonly collapsed: Collapsed;
  private readonly stage: Stage;
  private readonly stream: Stream;
  private readonly sight: Sight;
  private readonly clipboard: ClipboardBridge;
  private readonly transport: Transport;
  private readonly controls: WindowControls | null;
  private readonly corner: ResizeCorner | null;
  private readonly recorder: Recorder | null;
  private readonly subject: Subject;
  private scaling: Scaling;

  constructor(options: ViewOptions) {
    this.subject = new Subject(options.info, options.windowId ?? 0, options.pid ?? 0);
    this.transport = options.transport;
    this.scaling = options.scaling;
    this.onScaling = options.onScaling;
    const { window: actions } = options.transport;
    this.controls = actions && new WindowControls(actions, this.subject, options.own ?? false);
    const focus = (): void => {
      this.stage.focus();
    };
    this.fullScreen = new FullScreen(this.shadow, this.frame, this.showScaling, focus);
    this.recorder = actions?.recording ? new Recorder(actions.recording) : null;
    this.toolbar = this.makeToolbar();
    this.curtain = new Curtain(() => {
      this.stream.retry();
    });
    this.collapsed = new Collapsed({
      show: () => {
        this.open();
      },
      stop: () => this.stopDisplay(),
    });
    this.stage = this.makeStage();
    this.stream = this.makeStream();
    this.corner = actions && new ResizeCorner(this.stage, this.stream);
    this.clipboard = new ClipboardBridge(
      (text) => {
        this.stream.setClipboard(clipboardFor(this.subject.info.chosen?.stream ?? '', text));
      },
      () => {
        this.showPhase(this.stream.phase);
      },
    );
    this.assemble();
    if (options.folded) {
      this.showOpen(false);
    }
    this.sight = new Sight(this.host, (visible) => {
      this.stream.setVisible(visible);
    });
  }

  /** Fit to the width of the cell, or 1:1. */
  setScaling(scaling: Scaling): void {
    this.scaling = scaling;
    this.showScaling();
  }

  get wasSeen(): boolean {
    return this.sight.wasVisible;
  }

  dispose(): void {
    this.fullScreen.dispose();
    this.sight.dispose();
    this.stream.dispose();
    this.controls?.dispose();
    this.corner?.dispose();
    this.recorder?.dispose();
    this.curtain.dispose();
    this.stage.dispose();
    this.host.remove();
  }

  // The parts

  private makeToolbar(): Toolbar {
    const { window: actions } = this.transport;
    const page = actions?.page ?? null;
    return new Toolbar({
      isWindow: actions !== null,
      more: this.recorder ? [this.recorder.button] : [],
      toggleScaling: () => {
        this.setScaling(this.scaling === 'fit' ? 'actual' : 'fit');
        this.onScaling(this.scaling);
      },
      page: page && (() => page(this.subject.pid)),
      copyScreenshot: () => this.useScreenshot(copy),
      toggleFullScreen: () => void this.fullScreen.toggle(),
      saveScreenshot: () => this.useScreenshot(save),
      toggleKeyboard: () => {
        if (this.stage.hasFocus) {
          this.stage.blur();
        } else {
          this.stage.focus();
        }
      },
      close: () => {
        if (this.controls) {
          this.controls.close();
        } else {
          this.close();
        }
      },
    });
  }

  private makeStage(): Stage {
    return new Stage(this.subject.size, this.curtain.root, {
      canvas: () => this.stream.canvas,
      sendKey: (keysym) => {
        this.stream.sendKey(keysym);
      },
      setClipboard: (text) => {
        this.clipboard.pasted(text);
      },
      leave: this.leave,
      captured: (captured) => {
        this.showCaptured(captured);
        this.pushClipboard();
      },
      clicked: () => {
        if (this.stream.phase.kind === 'waiting') {
          this.stream.retry();
        }
      },
    });
  }

  private makeStream(): Stream {
    return new Stream(this.transport, this.stage, this.subject, {
      phase: (phase) => {
        this.showPhase(phase);
      },
      info: () => {
        this.controls?.refresh();
        this.showInfo();
      },
      layout: (size, parts) => {
        this.stage.setLayout(size, parts);
        this.showInfo();
      },
      frame: (frame) => {
        this.tell('frame', frame);
        this.pushClipboard();
      },
      clipboard: (text) => {
        if (this.stage.hasFocus) {
          void this.clipboard.write(text);
        }
      },
    });
  }

  private assemble(): void {
    this.frame.append(this.toolbar.root, this.stage.viewport, this.notice);
    this.shadow.append(element('style', {}, css), this.frame, this.collapsed.root);
    if (this.controls && this.corner) {
      this.stage.add(this.corner.root);
      this.stage.add(this.controls.root);
      this.frame.append(...(this.recorder ? [this.recorder.words] : []));
      this.host.dataset.xdisplayWindow = String(this.subject.windowId);
    }
    this.host.dataset.xdisplayId = this.subject.info.id;
    keepKeysFromPage(this.host);
    this.showInfo();
    this.showScaling();
    this.showCaptured(false);
    this.tell('frame', 'none');
    this.showPhase(this.stream.phase);
  }

  // What the user does

  /** Gives the focus to what is around the view: in a notebook, the cell. */
  private readonly leave = (): void => {
    this.stage.blur();
    const around = this.fullScreen.isOn ? null : focusableAround(this.host);
    (around ?? this.toolbar.keyboard).focus({ preventScroll: true });
  };

  /** Leaves only a line. */
  private close(): void {
    this.fullScreen.leave();
    this.showOpen(false);
    this.collapsed.focus();
  }

  private open(): void {
    this.showOpen(true);
    if (this.subject.info.state === 'running') {
      this.stage.focus();
    }
  }

  private showOpen(open: boolean): void {
    this.frame.hidden = !open;
    this.collapsed.root.hidden = open;
    this.stream.setWanted(open);
  }

  private async stopDisplay(): Promise<void> {
    const info = await this.transport.stop();
    if (info) {
      this.stream.setInfo(info);
    }
  }

  private async useScreenshot(use: (picture: Blob, title: string) => unknown): Promise<void> {
    const picture = await this.stream.screenshot();
    if (!picture) {
      throw new Error('There is no picture yet: wait for the first one');
    }
    await use(picture, this.subject.title);
  }

  private pushClipboard(): void {
    if (this.stage.hasFocus && this.stream.phase.kind === 'connected') {
      void this.clipboard.push();
    }
  }

  // What is shown

  private showInfo(): void {
    const [{ info }, { size }] = [this.subject, this.stage];
    this.toolbar.setTitle(this.subject.title, this.subject.beside(size));
    this.stage.setName(this.subject.name);
    this.stage.setWindows(this.subject.windows);
    this.collapsed.setInfo(info);
    this.notice.textContent = info.notice ?? '';
    this.frame.style.setProperty('--screen-width', `${size.width}px`);
    this.host.dataset.xdisplaySize = `${size.width}x${size.height}`;
  }

  private showPhase(phase: Phase): void {
    const words = wordsFor(phase, this.transport.patienceHint);
    const hint = phase.kind === 'connected' ? this.clipboard.hint : '';
    this.toolbar.setState(words.state, hint, phase.kind === 'connected');
    this.curtain.show(words, phase.kind === 'waiting' ? phase.retryAt : null);
    this.tell('state', phase.kind);
  }

  private readonly showScaling = (): void => {
    this.toolbar.setScaling(this.scaling);
    this.toolbar.setFullScreen(this.fullScreen.isOn);
    this.stage.setScaling(this.scaling, this.fullScreen.isOn);
    this.tell('scaling', this.scaling);
  };

  /** For the style, and for whoever looks at the page (tests). */
  private tell(name: 'state' | 'frame' | 'scaling', value: string): void {
    this.host.setAttribute(`data-xdisplay-${name}`, value);
    this.frame.setAttribute(`data-${name}`, value);
  }

  private showCaptured(captured: boolean): void {
    this.toolbar.setCaptured(captured);
    this.host.dataset.xdisplayCaptured = String(captured);
    this.frame.classList.toggle('captured', captured);
  }
}
