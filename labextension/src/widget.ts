/** The view as a Jupyter widget (Anywidget Front-end Module, anywidget.dev/en/afm). */
import { pageKernel, type CommModel } from './comm_model';
import { CommTransport } from './comm_transport';
import type { Scaling } from './geometry';
import { Places } from './places';
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
  /** The same object for all places of one widget (loader.ts). */
  readonly model: Model;
  readonly el: HTMLElement;
}

/** The views of this page. */
const places = new Places<View>();

function scalingOf(model: Model): Scaling {
  return model.get('fit') ? 'fit' : 'actual';
}

/**
 * Views with the same key show the same in the same way: through the server one display or window,
 * over the comm one model (it is the same for all places of a widget).
 */
function keyOf(model: Model): unknown {
  if (model.get('via') === 'comm') {
    return model;
  }
  const line = model.get('folded') ? 'folded' : '';
  return `${model.get('display_id')} ${model.get('window_id')} ${model.get('pid')} ${line}`;
}

function makeView(model: Model): View {
  const windowId = model.get('window_id');
  const transport =
    model.get('via') === 'server'
      ? new ServerTransport(model.get('display_id'), windowId, () => pageKernel(model))
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

function render({ model, el }: RenderProps): Disposer {
  const { view, leave } = places.settle(keyOf(model), el, () => makeView(model));
  const follow = (): void => {
    view.setScaling(scalingOf(model));
  };
  view.onScaling = (scaling) => {
    model.set('fit', scaling === 'fit');
    model.save_changes();
  };
  follow();
  model.on('change:fit', follow);
  return () => {
    model.off('change:fit', follow);
    leave();
  };
}

export default { render };
