/** What becomes of a screenshot. */
import { element } from './dom';
import { screenshotName } from './words';

/** Gives it to the browser's downloads. */
export function save(picture: Blob, title: string): void {
  const url = URL.createObjectURL(picture);
  element('a', { href: url, download: screenshotName(title, new Date()) }).click();
  URL.revokeObjectURL(url);
}

/** @throws Error where the browser does not let the page write to its clipboard. */
export async function copy(picture: Blob): Promise<void> {
  await navigator.clipboard.write([new ClipboardItem({ [picture.type]: picture })]);
}
