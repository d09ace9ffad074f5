/** The parts of noVNC 1.7 (docs/API.md) that the view uses. */
declare module '@novnc/novnc' {
  export interface RFBOptions {
    shared?: boolean;
  }

  export default class RFB extends EventTarget {
    constructor(target: Element, urlOrChannel: string | object, options?: RFBOptions);
    background: string;
    compressionLevel: number;
    focusOnClick: boolean;
    qualityLevel: number;
    scaleViewport: boolean;
    showDotCursor: boolean;
    viewOnly: boolean;
    clipboardPasteFrom(text: string): void;
    disconnect(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    toBlob(callback: (blob: Blob | null) => void, type?: string, quality?: number): void;
  }
}

declare module '*.css' {
  const text: string;
  export default text;
}
