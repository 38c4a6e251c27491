// What the page knows: open opportunities by id, the last closed ones, and what time it is in the log.

const CLOSED_KEPT = 12;
const LATENCIES_KEPT = 200;

export class Book {
  open = new Map();
  closed = [];
  revisions = 0;
  feed = null;
  #latencies = [];
  #behind = Infinity;

  /** Takes a message; returns the ids that changed, or null when everything may have. */
  take(message) {
    const { type, payload, hops } = message;
    if (type === "opportunity") return this.#revise(payload, hops);
    if (type === "resync") {
      this.closed = [];
      this.open.clear();
    } else if (type === "snapshot") {
      this.open = new Map(payload.map((opportunity) => [opportunity.id, opportunity]));
      this.#behind = Infinity;
      payload.forEach((opportunity) => this.#observe(opportunity));
    } else {
      return [];
    }
    return null;
  }

  /** Closed opportunities from before the page was opened, newest first. */
  remember(opportunities) {
    const known = new Set(this.closed.map((opportunity) => opportunity.id));
    this.closed = [...this.closed, ...opportunities.filter(({ id }) => !known.has(id))].slice(0, CLOSED_KEPT);
  }

  /** Event time now, nanoseconds. A replay lives in its own time: the newest that was seen, and what has passed since. */
  now() {
    const wall = Date.now() * 1e6;
    const replayed = this.feed === "replay" || this.feed === "synthetic";
    return replayed && this.#behind < Infinity ? wall - this.#behind : wall;
  }

  /** Median time from the receipt of a tick to the push of what followed from it, milliseconds; null before the first. */
  latency() {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] / 1e6 : null;
  }

  count(test) {
    let found = 0;
    for (const opportunity of this.open.values()) found += test(opportunity);
    return found;
  }

  #revise(opportunity, hops) {
    const held = this.open.get(opportunity.id);
    if (held && held.rev >= opportunity.rev) return [];
    this.revisions += 1;
    this.#observe(opportunity);
    if (hops?.ingest && hops.push) this.#latencies = [...this.#latencies, hops.push - hops.ingest].slice(-LATENCIES_KEPT);
    this.open.delete(opportunity.id);
    if (opportunity.state !== "Closed") this.open.set(opportunity.id, opportunity);
    else this.closed = [opportunity, ...this.closed].slice(0, CLOSED_KEPT);
    return [opportunity.id];
  }

  #observe(opportunity) {
    this.#behind = Math.min(this.#behind, Date.now() * 1e6 - opportunity.as_of);
  }
}
