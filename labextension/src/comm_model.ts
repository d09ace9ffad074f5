/** What is used of a widget's model, and of the kernel behind it. */
import type { Problem } from './types';

type CustomMessage = (content: unknown, buffers: DataView<ArrayBuffer>[]) => void;

/**
 * The page's own connection to the notebook's kernel (JupyterLab, Notebook 7). Asked through it, the
 * page knows that its running cells are over; asked past it, it calls the kernel busy for good.
 */
export interface PageKernel {
  readonly id: string;
  interrupt(): Promise<void>;
  restart(): Promise<void>;
}

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
  /** ipywidgets' manager; only that of documents has a kernel. */
  readonly widget_manager?: { readonly kernel?: PageKernel | null };
}

/** The page's kernel; null where the page is none of JupyterLab's, or it has no kernel. */
export function pageKernel(model: CommModel): PageKernel | null {
  return model.widget_manager?.kernel ?? null;
}

export const KERNEL_GONE: Problem = {
  message: 'The kernel that kept this display has ended or was restarted.',
  fix: 'Run %xdisplay to start a new one.',
};
