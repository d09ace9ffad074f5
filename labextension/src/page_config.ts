/** Where the Jupyter server of this page is, and how to be let in. */

export interface PageConfig {
  /** Absolute, ends with a slash. */
  readonly baseUrl: string;
  /** Absolute, ws: or wss:, ends with a slash. */
  readonly wsUrl: string;
  /** Empty where the page is logged in by cookie. */
  readonly token: string;
}

/** What JupyterLab and Notebook 7 put into the page, as far as it is used here. */
export interface RawConfig {
  readonly baseUrl?: string;
  readonly wsUrl?: string;
  readonly token?: string;
}

/** Fills in what a page leaves out. */
export function resolveConfig(raw: RawConfig, pageUrl: string): PageConfig {
  const base = new URL(withSlash(raw.baseUrl ?? '/'), pageUrl);
  const ws = new URL(withSlash(raw.wsUrl || base.href), base);
  ws.protocol = ws.protocol.replace(/^http/, 'ws');
  return { baseUrl: base.href, wsUrl: ws.href, token: raw.token ?? '' };
}

/** Reads the page: JupyterLab and Notebook 7, else nbclassic, else the page's own root. */
export function readPageConfig(page: Document): PageConfig {
  const text = page.getElementById('jupyter-config-data')?.textContent;
  let raw: RawConfig = {};
  if (text) {
    raw = JSON.parse(text) as RawConfig;
  } else if (page.body.dataset.baseUrl !== undefined) {
    raw = { baseUrl: page.body.dataset.baseUrl };
  }
  return resolveConfig(raw, page.location.href);
}

/** The value of a cookie, or null. */
export function cookie(page: Document, name: string): string | null {
  const parts = page.cookie.split('; ');
  const found = parts.find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
