/** Where a page gets the views' JavaScript from: once, for all widgets of one version. No DOM. */
import { KERNEL_GONE, type CommModel } from './comm_model';
import type { Problem } from './types';

/** What was fetched, or is on its way, by version. */
export type Bundles<Bundle> = Map<string, Promise<Bundle>>;

/** In words for the user. */
export class LoadFailed extends Error {
  constructor({ message, fix }: Problem) {
    super([message, fix].filter(Boolean).join(' '));
  }
}

/** After the kernel has dealt with a question, an answer is at most so far behind. */
const BEHIND_MS = 1000;

/** Returns the bundle of a version; calls `fetch` where no other widget has got it or gets it. */
export async function bundleOf<Bundle>(
  bundles: Bundles<Bundle>,
  version: string,
  fetch: () => Promise<Bundle>,
): Promise<Bundle> {
  let asked: Promise<Bundle> | undefined;
  while ((asked = bundles.get(version))) {
    try {
      return await asked;
    } catch {
      // Its widget may be gone, or its kernel: the next one asks for itself.
      if (bundles.get(version) === asked) {
        bundles.delete(version);
      }
    }
  }
  const own = fetch();
  bundles.set(version, own);
  return own;
}

/**
 * Asks the kernel for the bundle. One that is busy answers when its cell is done.
 *
 * @throws LoadFailed where no kernel has the widget any more, or it has no bundle.
 */
export function askKernel(model: CommModel): Promise<DataView<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = (): void => {
      clearTimeout(timer);
      model.off('msg:custom', receive);
      model.off('comm_live_update', gone);
      model.off('destroy', gone);
    };
    const gone = (): void => {
      over();
      reject(new LoadFailed(KERNEL_GONE));
    };
    const receive = (content: unknown, [bundle]: DataView<ArrayBuffer>[]): void => {
      const { type, problem } = content as { type?: string; problem?: Problem };
      if (type !== 'bundle') {
        return;
      }
      over();
      if (bundle) {
        resolve(bundle);
      } else {
        reject(new LoadFailed(problem ?? KERNEL_GONE));
      }
    };
    // A kernel that was restarted does not know the widget, and says nothing but that it is done.
    const status = ({ content }: { content: { execution_state?: string } }): void => {
      if (content.execution_state === 'idle') {
        timer = setTimeout(gone, BEHIND_MS);
      }
    };
    model.on('msg:custom', receive);
    model.on('comm_live_update', gone);
    model.on('destroy', gone);
    try {
      model.send({ type: 'bundle' }, { iopub: { status } });
    } catch {
      gone();
    }
  });
}
