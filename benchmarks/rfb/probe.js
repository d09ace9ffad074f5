/** Put on a page with the canvas of a view: reads a few of its pixels, the same way for all. */
(canvas) => {
  const BLOCK = 32;
  const PLAIN_DIFFERENCE = 40;
  const context = (() => {
    try {
      return canvas.getContext('2d');
    } catch {
      return null; // it is drawn on elsewhere, by a worker
    }
  })();
  const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });

  const read = (x, y, width, height) => {
    if (context) {
      return context.getImageData(x, y, width, height).data;
    }
    Object.assign(copy.canvas, { width, height });
    copy.drawImage(canvas, x, y, width, height, 0, 0, width, height);
    return copy.getImageData(0, 0, width, height).data;
  };

  /** The frame's number (Gray code, and the same inverted below), null where it is not whole. */
  const readCounter = ({ x, y, width }) => {
    const rows = [0, BLOCK].map((row) => read(x, y + row + BLOCK / 2, width, 1));
    let number = 0;
    for (let place = 0; place < width / BLOCK; place += 1) {
      const at = (place * BLOCK + BLOCK / 2) * 4 + 1;
      const bit = rows[0][at] > 127;
      if (bit === rows[1][at] > 127) {
        return null;
      }
      number |= bit << place;
    }
    return number;
  };

  const plainlyDiffer = (one, other) =>
    one.some((value, index) => index % 4 < 3 && Math.abs(value - other[index]) > PLAIN_DIFFERENCE);

  let counting = null;

  const count = (probe) => {
    const mine = { distinct: 0, seen: new Set(), last: null, ticks: 0, since: performance.now() };
    counting = mine;
    const look = () => {
      if (counting !== mine) {
        return;
      }
      mine.ticks += 1;
      if (probe.counter) {
        const number = readCounter(probe);
        if (number !== null) {
          mine.seen.add(number);
        }
        mine.distinct = mine.seen.size;
      } else {
        const pixels = read(probe.x, probe.y, probe.width, probe.height);
        if (!mine.last || plainlyDiffer(mine.last, pixels)) {
          mine.last = pixels;
          mine.distinct += 1;
        }
      }
      requestAnimationFrame(look);
    };
    look();
  };

  const counted = () => {
    const { distinct, ticks, since } = counting;
    counting = null;
    return { distinct, ticks, seconds: (performance.now() - since) / 1000 };
  };

  const isWhite = ([x, y]) => read(x, y, 1, 1)[1] > 127;

  let drew = () => undefined;
  const watch = (prototype, name) => {
    const draw = prototype[name];
    prototype[name] = function (...args) {
      const result = draw.apply(this, args);
      if (this.canvas === canvas) {
        drew();
      }
      return result;
    };
  };
  for (const name of ['drawImage', 'putImageData', 'fillRect']) {
    watch(CanvasRenderingContext2D.prototype, name);
  }
  watch(ImageBitmapRenderingContext.prototype, 'transferFromImageBitmap');

  /**
   * Waits for the next press of a button, and then for all places to be the other of black and
   * white. `drawn`: milliseconds from the press to the call that drew the last of them; `shown`:
   * to the animation frame in which they are seen.
   */
  const change = (places, patienceMs) => {
    const wanted = !isWhite(places[0]);
    const there = () => places.every((place) => isWhite(place) === wanted);
    let pressed = null;
    let drawn = null;
    const note = () => {
      if (pressed !== null && drawn === null && there()) {
        drawn = performance.now() - pressed;
      }
    };
    addEventListener('mousedown', (event) => (pressed = event.timeStamp), {
      capture: true,
      once: true,
    });
    drew = note;
    const begun = performance.now();
    window.xdbChange = new Promise((resolve) => {
      const look = () => {
        note();
        if (drawn !== null || performance.now() - begun > patienceMs) {
          drew = () => undefined;
          resolve(drawn === null ? null : { drawn, shown: performance.now() - pressed });
        } else {
          requestAnimationFrame(look);
        }
      };
      requestAnimationFrame(look);
    });
  };

  window.xdb = { count, counted, change };
};
