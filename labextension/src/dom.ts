/** Small helpers for elements. */

type Attributes = Readonly<Record<string, string>>;

/** An element with attributes and children. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** The nearest element around another that can have the focus. */
export function focusableAround(node: HTMLElement): HTMLElement | null {
  let around = node.parentElement;
  while (around && around.tabIndex < 0) {
    around = around.parentElement;
  }
  return around;
}

/** Icons, 16x16, drawn with lines in the colour of the text. */
const ICONS = {
  fit: 'M2.5 5.5v-3h3M13.5 5.5v-3h-3M2.5 10.5v3h3M13.5 10.5v3h-3M5.5 6.5h5v3h-5z',
  actual: 'M3.5 5.5 5 4.5v7M11 5.5l1.5-1v7M8 6.2v.1M8 9.7v.1',
  fullScreen: 'M6 2.5H2.5V6M10 2.5h3.5V6M6 13.5H2.5V10M10 13.5h3.5V10',
  leaveFullScreen: 'M2.5 6H6V2.5M13.5 6H10V2.5M2.5 10H6v3.5M13.5 10H10v3.5',
  screenshot:
    'M2.5 5h2.6l1-1.5h3.8l1 1.5h2.6v7.5h-11zM8 10.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z',
  keyboard: 'M1.5 4.5h13v7h-13zM4 7h.1M6.6 7h.1M9.3 7h.1M11.9 7h.1M5 9.3h6',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  done: 'M3 8.5l3.5 3.5L13 4.5',
  record:
    'M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM8 9.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z',
  stop: 'M4.5 4.5h7v7h-7z',
  popOut: 'M8.5 2.5h5v5M13.5 2.5l-6 6M6.5 3.5h-4v10h10v-4',
  display: 'M1.5 3h13v8h-13zM5.5 13.5h5M8 11v2.5',
} as const;

export type IconName = keyof typeof ICONS;

/** An icon that screen readers pass over. */
export function icon(name: IconName): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon; its label is also its tooltip. */
export function iconButton(name: IconName, action: string, onClick: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', 'data-action': action }, icon(name));
  // Pressing it does not take the focus from the display.
  button.addEventListener('mousedown', (event) => {
    event.preventDefault();
  });
  button.addEventListener('click', onClick);
  return button;
}

/** Names a button, for the eye (tooltip) and for screen readers. */
export function label(button: HTMLButtonElement, text: string, hint = text): void {
  button.setAttribute('aria-label', text);
  button.title = hint;
}

/** A button with words. */
export function textButton(text: string, action: string, onClick: () => void): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'words', 'data-action': action }, text);
  button.addEventListener('click', onClick);
  return button;
}
