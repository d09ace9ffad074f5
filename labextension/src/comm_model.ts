/** What is used of a widget's model, and of the kernel behind it. */
import type { Problem } from './types';

type CustomMessage = (content: unknown, buffers: DataView<ArrayBuffer>[]) => void;

/** The part of an anywidget model that is used here (Anywidget Front-end Module). */
export interface CommModel {
  /** `callbacks` are ipywidgets': what comes of the message in the kernel. */
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: 'msg:custom', callback: CustomMessage): void;
  /**
   * ipywidgets: the comm was lost (the kernel restarted or ended), or is there again; the kernel has
   * closed the widget.
   */
  on(event: 'comm_live_update' | 'destroy', callback: () => void): void;
  off(event: 'msg:custom', callback: CustomMessage): void;
  off(event: 'comm_live_update' | 'destroy', callback: () => void): void;
}

export const KERNEL_GONE: Problem = {
  message: 'The kernel that kept this display has ended or was restarted.',
  fix: 'Run %xdisplay to start a new one.',
};
