// The live feed of one view: server-sent events read with fetch, because EventSource hides status codes and comments, and
// both matter here: a view that does not exist must not be asked for again and again, and the server's comments are the
// sign of life that tells a quiet stream from a dead connection.

// The server writes a comment at least every 15 s. Twice that in silence means the connection is gone, whatever TCP thinks.
const SILENCE_MS = 30_000;
// A browser opens six connections to a server and no more. A page that nobody looks at gives its own back.
const HIDDEN_MS = 15_000;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 5_000;

export class Feed {
  #address;
  #handlers;
  #lastId = null;
  #failures = 0;
  #wake = null;
  #connection = null;
  #hiddenTimer = null;

  /**
   * @param address path of the live endpoint
   * @param handlers frame(event, data text), connected(), disconnected(why, or null), paused(), missing(): which ends the feed
   */
  constructor(address, handlers) {
    this.#address = address;
    this.#handlers = handlers;
    addEventListener("online", () => this.#wake?.());
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  /** Reads until the server says that the view does not exist. Resumes after the last frame that was applied. */
  async run() {
    while (true) {
      const refusal = await this.#readOnce();
      if (refusal?.status === 404 && this.#lastId === null) {
        this.#handlers.missing();
        return;
      }

      if (document.hidden) {
        this.#handlers.paused();
        await new Promise(resolve => { this.#wake = resolve; });
      } else {
        this.#handlers.disconnected(refusal?.detail ?? null);
        await this.#pause();
      }
    }
  }

  #onVisibility() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = setTimeout(() => this.#connection?.abort(), HIDDEN_MS);
    } else {
      this.#wake?.();
    }
  }

  /** Waits with backoff and jitter, so that a restarted server is not met by all its viewers at once. */
  async #pause() {
    const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures++);
    await new Promise(resolve => {
      const timer = setTimeout(resolve, ceiling / 2 + Math.random() * ceiling / 2);
      this.#wake = () => { clearTimeout(timer); resolve(); };
    });
    this.#wake = null;
  }

  /** One connection, to its end. Null, or the problem document that the server answered instead. */
  async #readOnce() {
    const abort = this.#connection = new AbortController();
    let timer = setTimeout(() => abort.abort(), SILENCE_MS);
    try {
      const after = this.#lastId === null ? "" : `?after=${encodeURIComponent(this.#lastId)}`;
      const response = await fetch(this.#address + after, {
        headers: { accept: "text/event-stream" }, cache: "no-store", signal: abort.signal,
      });
      if (!response.ok) {
        return { status: response.status, ...await response.json() };
      }

      this.#handlers.connected();
      const parser = new EventParser((event, data, id) => {
        this.#handlers.frame(event, data);
        this.#lastId = id ?? this.#lastId;
        this.#failures = 0;
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE_MS);
        parser.push(read.value);
      }

      return null;
    } catch {
      // The network's errors all mean the same here: try again.
      return null;
    } finally {
      clearTimeout(timer);
      abort.abort();
    }
  }
}

/** Lines of text/event-stream, in pieces of any size, to events. */
export class EventParser {
  #dispatch;
  #rest = "";
  #event = "message";
  #data = [];
  #id = null;

  constructor(dispatch) {
    this.#dispatch = dispatch;
  }

  push(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
    }
  }

  #line(line) {
    if (line === "") {
      if (this.#data.length > 0) {
        this.#dispatch(this.#event, this.#data.join("\n"), this.#id);
      }

      this.#event = "message";
      this.#data = [];
      this.#id = null;
      return;
    }

    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    switch (name) {
      case "event": this.#event = value; break;
      case "data": this.#data.push(value); break;
      case "id": this.#id = value; break;
    }
  }
}
