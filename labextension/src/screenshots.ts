/** What becomes of a screenshot. */
import { element } from './dom';
import { screenshotName } from './words';

/** Gives it to the browser's downloads. */
export function save(picture: Blob, title: string): void {
  const url = URL.createObjectURL(picture);
  element('a', { href: url, download: screenshotName(title, new Date()) }).click();
  URL.revokeObjectURL(url);
}

/** @throws Error with words for the user, where the page may not write to the clipboard. */
export async function copy(picture: Blob): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ [picture.type]: picture })]);
  } catch (cause) {
    const words = 'The browser does not let this page write to the clipboard: save it instead';
    throw new Error(words, { cause });
  }
}
