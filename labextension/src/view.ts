/** The live view of one display. It knows nothing of the page that it is shown in. */
import { ClipboardBridge, clipboardFor } from './clipboard';
import { Collapsed } from './collapsed';
import type { Phase } from './connection';
import { Curtain } from './curtain';
import { element } from './dom';
import type { Scaling } from './geometry';
import { Sight } from './sight';
import { Stage } from './stage';
import { Stream, type Frame } from './stream';
import css from './style.css';
import { Toolbar } from './toolbar';
import type { DisplayInfo, Size, Transport } from './types';
import { displayNumber, screenshotName, sizeText, wordsFor } from './words';

export interface ViewOptions {
  /** The display as it was when the view was made. */
  readonly info: DisplayInfo;
  readonly transport: Transport;
  readonly scaling: Scaling;
  /** The user chose another scaling. */
  readonly onScaling: (scaling: Scaling) => void;
}

export class View {
  /** Put it where the view shall be; it may be moved. */
  readonly host = element('div', { class: 'xdisplay' });
  onScaling: (scaling: Scaling) => void;
  private readonly shadow = this.host.attachShadow({ mode: 'open' });
  private readonly frame = element('div', { class: 'frame' });
  private readonly notice = element('div', { class: 'notice', role: 'status' });
  private readonly toolbar: Toolbar;
  private readonly curtain: Curtain;
  private readonly collapsed: Collapsed;
  private readonly stage: Stage;
  private readonly stream: Stream;
  private readonly sight: Sight;
  private readonly clipboard: ClipboardBridge;
  private readonly transport: Transport;
  private info: DisplayInfo;
  private size: Size;
  private scaling: Scaling;

  constructor(options: ViewOptions) {
    this.info = options.info;
    this.transport = options.transport;
    this.scaling = options.scaling;
    this.onScaling = options.onScaling;
    this.size = { width: options.info.size[0], height: options.info.size[1] };
    this.toolbar = this.makeToolbar();
    this.curtain = new Curtain(() => {
      this.stream.retry();
    });
    this.collapsed = new Collapsed({
      show: () => {
        this.setOpen(true);
      },
      stop: () => void this.stopDisplay(),
    });
    this.stage = this.makeStage();
    this.stream = this.makeStream();
    this.clipboard = new ClipboardBridge(() => {
      this.showPhase(this.stream.phase);
    });
    this.assemble();
    this.sight = new Sight(this.host, (visible) => {
      this.stream.setVisible(visible);
    });
  }

  /** Fit to the width of the cell, or 1:1. */
  setScaling(scaling: Scaling): void {
    this.scaling = scaling;
    this.showScaling();
  }

  dispose(): void {
    document.removeEventListener('fullscreenchange', this.showScaling);
    this.sight.dispose();
    this.stream.dispose();
    this.curtain.dispose();
    this.stage.dispose();
    this.host.remove();
  }

  // The parts

  private makeToolbar(): Toolbar {
    return new Toolbar({
      toggleScaling: () => {
        this.setScaling(this.scaling === 'fit' ? 'actual' : 'fit');
        this.onScaling(this.scaling);
      },
      toggleFullScreen: () => void this.toggleFullScreen(),
      screenshot: () => void this.saveScreenshot(),
      toggleKeyboard: () => {
        if (this.stage.hasFocus) {
          this.stage.blur();
        } else {
          this.stage.focus();
        }
      },
      close: () => {
        this.setOpen(false);
      },
    });
  }

  private makeStage(): Stage {
    return new Stage(this.size, this.curtain.root, {
      canvas: () => this.stream.canvas,
      sendKey: (keysym) => {
        this.stream.sendKey(keysym);
      },
      setClipboard: (text) => {
        this.clipboard.pasted(text);
        this.sendClipboard(text);
      },
      leave: this.leave,
      captured: (captured) => {
        this.showCaptured(captured);
        void this.pushClipboard();
      },
      clicked: () => {
        if (this.stream.phase.kind === 'waiting') {
          this.stream.retry();
        }
      },
    });
  }

  private makeStream(): Stream {
    return new Stream(this.transport, this.stage, {
      phase: (phase) => {
        this.showPhase(phase);
      },
      info: (info) => {
        this.info = info;
        this.showInfo();
      },
      resized: (size) => {
        this.size = size;
        this.stage.setFramebuffer(size);
        this.showInfo();
      },
      frame: (frame) => {
        this.showFrame(frame);
        void this.pushClipboard();
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
    this.host.dataset.xdisplayId = this.info.id;
    // Lumino (JupyterLab, Notebook 7) leaves keys alone below an element that says so.
    this.host.dataset.lmSuppressShortcuts = 'true';
    // Other pages listen for keys further up.
    for (const type of ['keydown', 'keypress', 'keyup', 'paste', 'copy', 'cut']) {
      this.host.addEventListener(type, (event) => {
        event.stopPropagation();
      });
    }
    document.addEventListener('fullscreenchange', this.showScaling);
    this.showInfo();
    this.showScaling();
    this.showCaptured(false);
    this.showFrame('none');
    this.showPhase(this.stream.phase);
  }

  // What the user does

  /** Gives the focus to what is around the view: in a notebook, the cell. */
  private readonly leave = (): void => {
    let around = this.host.parentElement;
    while (around && around.tabIndex < 0) {
      around = around.parentElement;
    }
    this.stage.blur();
    const next = this.isFullScreen ? this.toolbar.keyboard : (around ?? this.toolbar.keyboard);
    next.focus({ preventScroll: true });
  };

  private setOpen(open: boolean): void {
    if (!open && this.isFullScreen) {
      void document.exitFullscreen();
    }
    this.frame.hidden = !open;
    this.collapsed.root.hidden = open;
    this.stream.setWanted(open);
    if (!open) {
      this.collapsed.focus();
    } else if (this.info.state === 'running') {
      this.stage.focus();
    }
  }

  private async stopDisplay(): Promise<void> {
    this.collapsed.stopping();
    try {
      const info = await this.transport.stop();
      if (info) {
        this.stream.setInfo(info);
      }
    } catch (error) {
      this.collapsed.failed(error instanceof Error ? error.message : String(error));
    }
  }

  private get isFullScreen(): boolean {
    return this.shadow.fullscreenElement === this.frame;
  }

  private async toggleFullScreen(): Promise<void> {
    if (this.isFullScreen) {
      await document.exitFullscreen();
    } else {
      await this.frame.requestFullscreen();
      lockKeyboard();
      this.stage.focus();
    }
  }

  private async saveScreenshot(): Promise<void> {
    const blob = await this.stream.screenshot();
    if (blob) {
      const url = URL.createObjectURL(blob);
      element('a', { href: url, download: screenshotName(this.info.name, new Date()) }).click();
      URL.revokeObjectURL(url);
    }
  }

  private async pushClipboard(): Promise<void> {
    if (this.stage.hasFocus && this.stream.phase.kind === 'connected') {
      const text = await this.clipboard.read();
      if (text !== null) {
        this.sendClipboard(text);
      }
    }
  }

  private sendClipboard(text: string): void {
    this.stream.setClipboard(clipboardFor(this.info.chosen?.stream ?? '', text));
  }

  // What is shown

  private showInfo(): void {
    const { name, windows, notice } = this.info;
    this.toolbar.setTitle(name, `${displayNumber(this.info)} · ${sizeText(this.size)}`);
    this.stage.setName(`X display ${name}`);
    this.stage.setWindows(this.info.state === 'running' ? (windows ?? []) : []);
    this.collapsed.setInfo(this.info);
    this.notice.textContent = notice ?? '';
    this.frame.style.setProperty('--screen-width', `${this.size.width}px`);
    this.host.dataset.xdisplaySize = `${this.size.width}x${this.size.height}`;
  }

  private showPhase(phase: Phase): void {
    const words = wordsFor(phase, this.transport.patienceHint);
    const hint = phase.kind === 'connected' ? this.clipboard.hint : '';
    this.toolbar.setState(words.state, hint);
    this.curtain.show(words, phase.kind === 'waiting' ? phase.retryAt : null);
    this.host.dataset.xdisplayState = phase.kind;
    this.frame.dataset.state = phase.kind;
  }

  private readonly showScaling = (): void => {
    this.toolbar.setScaling(this.scaling);
    this.toolbar.setFullScreen(this.isFullScreen);
    this.stage.setScaling(this.scaling, this.isFullScreen);
    this.host.dataset.xdisplayScaling = this.scaling;
    this.frame.dataset.scaling = this.scaling;
  };

  private showCaptured(captured: boolean): void {
    this.toolbar.setCaptured(captured);
    this.host.dataset.xdisplayCaptured = String(captured);
    this.frame.classList.toggle('captured', captured);
  }

  private showFrame(frame: Frame): void {
    this.host.dataset.xdisplayFrame = frame;
    this.frame.dataset.frame = frame;
  }
}

/** In full screen Escape shall reach the display, where the browser can do that: hold it to leave. */
function lockKeyboard(): void {
  const { keyboard } = navigator as { keyboard?: { lock?: (codes: string[]) => Promise<void> } };
  keyboard?.lock?.(['Escape']).catch(() => undefined);
}
