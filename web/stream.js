// The WebSocket: connects, notices silence, comes back, and goes on after the last id it has seen.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const SILENCE_MS = 15_000; // three heartbeats

export class Stream {
  #lastId = null;
  #retry = FIRST_RETRY_MS;
  #socket = null;
  #timer = null;
  #watchdog = null;

  /** onMessage(message) gets each message; onState("connecting" | "live" | "offline") each change. */
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    addEventListener("online", () => this.#soon(0));
    this.#connect();
  }

  #connect() {
    this.onState("connecting");
    const url = new URL("ws/opportunities", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (this.#lastId) url.searchParams.set("last_id", this.#lastId);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => this.onState("live");
    socket.onmessage = ({ data }) => {
      this.#retry = FIRST_RETRY_MS;
      this.#watch();
      for (const line of data.split("\n")) { // a frame may hold several messages
        const message = JSON.parse(line);
        this.#lastId = message.id;
        this.onMessage(message);
      }
    };
    socket.onclose = () => this.#lost(socket);
    this.#watch();
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#watchdog);
    this.#socket = null;
    this.onState("offline");
    // Jitter, so that all pages do not come back at the same instant after a restart.
    this.#soon(this.#retry * (0.5 + Math.random() / 2));
    this.#retry = Math.min(this.#retry * 2, LONGEST_RETRY_MS);
  }

  #soon(delay) {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  #watch() {
    const socket = this.#socket;
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      socket.close();
      this.#lost(socket); // a dead network may never answer the close
    }, SILENCE_MS);
  }
}
