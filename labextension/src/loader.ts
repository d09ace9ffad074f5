/**
 * All that travels with every widget (Anywidget Front-end Module), so it is small: it gets the
 * bundle of the views, from the server where that has our extension, else from the kernel.
 */
import { askKernel, bundleOf, LoadFailed, type Bundles } from './bundles';
import { KERNEL_GONE, type CommModel } from './comm_model';
import { readPageConfig } from './page_config';

interface Model extends CommModel {
  get(name: 'via'): 'server' | 'comm';
  get(name: 'version'): string;
  /** ipywidgets' own; its model has a comm where the kernel of this one lives. */
  get(name: 'layout'): { readonly comm_live?: boolean } | null | undefined;
}

type Cleanup = () => void;

interface Bundle {
  readonly default: { render(place: { model: Model; el: HTMLElement }): Cleanup };
}

interface Place {
  readonly model: Model;
  readonly el: HTMLElement;
  /** The place is given up; from anywidget 0.10 on. */
  readonly signal?: AbortSignal;
}

interface Widget {
  initialize(context: { readonly model: Model }): void;
  render(place: Place): Promise<Cleanup | undefined>;
}

const page = globalThis as { jupyterXdisplayBundles?: Bundles<Bundle> };
const bundles = (page.jupyterXdisplayBundles ??= new Map());

/** As the view's own words (style.css): said late and in a low voice. */
const STYLE = `
  box-sizing: border-box; max-width: 440px; margin: 2px; padding: 7px 12px;
  border: 1px solid var(--jp-border-color2, light-dark(#e0e0e0, #424242)); border-radius: 4px;
  background: var(--jp-layout-color1, light-dark(#fff, #111)); color-scheme: light dark;
  color: var(--jp-ui-font-color2, light-dark(rgb(0 0 0 / 60%), rgb(255 255 255 / 60%)));
  font: var(--jp-ui-font-size1, 13px) / 1.4 var(--jp-ui-font-family, system-ui, sans-serif)`;
const LATE = { delay: 500, duration: 150, fill: 'backwards' } as const;

async function fromServer(version: string): Promise<Bundle> {
  const { baseUrl } = readPageConfig(document);
  const url = new URL(`static/jupyter_xdisplay/widget.js?v=${version}`, baseUrl).href;
  try {
    return (await import(url)) as Bundle;
  } catch (error) {
    throw new LoadFailed({
      message: `The view of the display could not be loaded from ${url} (${String(error)}).`,
      fix: 'Is the server extension on? Run: jupyter xdisplay doctor',
    });
  }
}

async function fromKernel(model: Model): Promise<Bundle> {
  if (model.get('layout')?.comm_live === false) {
    throw new LoadFailed(KERNEL_GONE); // a widget that was read from a file
  }
  const url = URL.createObjectURL(new Blob([await askKernel(model)], { type: 'text/javascript' }));
  try {
    return (await import(url)) as Bundle;
  } catch (error) {
    throw new LoadFailed({
      message: `The view of the display came from the kernel and did not start (${String(error)}).`,
      fix: 'Reload the page; if that does not help, run: jupyter xdisplay doctor',
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function show(model: Model, { el, signal }: Place): Promise<Cleanup | undefined> {
  const version = model.get('version');
  const viaServer = model.get('via') === 'server';
  const line = document.createElement('div');
  line.setAttribute('role', 'status');
  line.style.cssText = STYLE;
  line.textContent = viaServer
    ? 'Loading the view…'
    : 'Waiting for the kernel, which has the view…';
  el.append(line);
  line.animate({ opacity: [0, 1] }, LATE);
  try {
    const fetch = (): Promise<Bundle> => (viaServer ? fromServer(version) : fromKernel(model));
    const bundle = await bundleOf(bundles, version, fetch);
    line.remove();
    return signal?.aborted ? undefined : bundle.default.render({ model, el });
  } catch (error) {
    line.textContent = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}

export default (): Widget => {
  // The one given at first lives as long as the widget; each place has its own, and loses it.
  let whole: Model | null = null;
  return {
    initialize: ({ model }) => {
      whole = model;
    },
    render: (place) => show(whole ?? place.model, place),
  };
};
