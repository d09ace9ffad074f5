/** What a view is made of. */
import type { Scaling } from './geometry';
import type { DisplayInfo, Transport } from './types';

export interface ViewOptions {
  /** The display as it was when the view was made. */
  readonly info: DisplayInfo;
  readonly transport: Transport;
  /** One window of the display; 0 for the whole of it. */
  readonly windowId?: number;
  /** The process of that window; 0 where it is not known. */
  readonly pid?: number;
  /** Whether that window is of the kernel's own process. */
  readonly own?: boolean;
  /** Only a line at first. */
  readonly folded?: boolean;
  readonly scaling: Scaling;
  /** The user chose another scaling. */
  readonly onScaling: (scaling: Scaling) => void;
}
