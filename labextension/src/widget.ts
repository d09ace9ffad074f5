/** The view as a Jupyter widget (Anywidget Front-end Module, anywidget.dev/en/afm). */
import type { CommModel } from './comm_model';
import { CommTransport } from './comm_transport';
import type { Scaling } from './geometry';
import { ServerTransport } from './server_transport';
import type { DisplayInfo, Disposer } from './types';
import { View } from './view';

interface Traits {
  readonly display_id: string;
  readonly via: 'server' | 'comm';
  readonly info: DisplayInfo;
  readonly fit: boolean;
  /** One window of the display; 0 for the whole of it. */
  readonly window_id: number;
  /** The process of that window: X gives the ids of windows again. */
  readonly pid: number;
  /** Whether that window is of the kernel's own process. */
  readonly own: boolean;
  /** Only a line at first. */
  readonly folded: boolean;
}

interface Model extends CommModel {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void;
  save_changes(): void;
  on: CommModel['on'] & ((event: 'change:fit', callback: () => void) => void);
  off: CommModel['off'] & ((event: 'change:fit', callback: () => void) => void);
}

interface RenderProps {
  readonly model: Model;
  readonly el: HTMLElement;
}

/** How long a view outlives its place, so that a cell that is run or moved does not flicker. */
const PARKED_MS = 2000;

/** Views whose place is gone, by display and window. */
const parked = new Map<string, { view: View; timer: ReturnType<typeof setTimeout> }>();

function scalingOf(model: Model): Scaling {
  return model.get('fit') ? 'fit' : 'actual';
}

function keyOf(model: Model): string {
  const line = model.get('folded') ? 'folded' : '';
  return `${model.get('display_id')} ${model.get('window_id')} ${model.get('pid')} ${line}`;
}

/** A parked view of the same display or window, or a new one. */
function takeView(model: Model): View {
  const id = keyOf(model);
  const windowId = model.get('window_id');
  const kept = parked.get(id);
  if (kept) {
    clearTimeout(kept.timer);
    parked.delete(id);
    return kept.view;
  }
  const transport =
    model.get('via') === 'server'
      ? new ServerTransport(model.get('display_id'), windowId)
      : new CommTransport(model, windowId !== 0);
  return new View({
    info: model.get('info'),
    transport,
    windowId,
    pid: model.get('pid'),
    own: model.get('own'),
    folded: model.get('folded'),
    scaling: scalingOf(model),
    onScaling: () => undefined,
  });
}

/** Keeps a view for the next place; one per display, and none whose bytes its model carries. */
function leaveView(id: string, view: View, via: Traits['via']): void {
  if (via === 'comm' || parked.has(id)) {
    view.dispose();
    return;
  }
  const timer = setTimeout(() => {
    parked.delete(id);
    view.dispose();
  }, PARKED_MS);
  parked.set(id, { view, timer });
}

function render({ model, el }: RenderProps): Disposer {
  const id = keyOf(model);
  const via = model.get('via');
  const view = takeView(model);
  const follow = (): void => {
    view.setScaling(scalingOf(model));
  };
  view.onScaling = (scaling) => {
    model.set('fit', scaling === 'fit');
    model.save_changes();
  };
  follow();
  model.on('change:fit', follow);
  el.append(view.host);
  return () => {
    model.off('change:fit', follow);
    view.onScaling = () => undefined;
    leaveView(id, view, via);
  };
}

export default { render };
