/** Delays between attempts: they double, with jitter, so that many views do not come at once. */
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly firstMs = 500,
    private readonly longestMs = 15_000,
    private readonly random: () => number = Math.random,
  ) {}

  /** The next delay in milliseconds, never below `firstMs` / 2 or above `longestMs`. */
  next(): number {
    const full = Math.min(this.longestMs, this.firstMs * 2 ** this.attempts);
    this.attempts += 1;
    return Math.round(full * (0.5 + this.random() / 2));
  }

  reset(): void {
    this.attempts = 0;
  }
}
