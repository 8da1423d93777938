// The visitor API: one token, one conversation. The server makes every id in it.

import { config } from "./config.js";
import { readEvents } from "./sse.js";
import { texts } from "./texts.js";

const KEY = `botfactory:${location.pathname}`;

/** What went wrong, in words for the visitor. `code` is the API's, or "offline" or "cut". */
export class ChatError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** A key for one question. `crypto.randomUUID` exists on secure origins only. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
}

/** Starts from the token of this tab's earlier conversation, where storage has one. */
export class Visit {
  #token = config.token;
  #timer = 0;

  /** The messages of the conversation before the page was loaded again, or none. */
  async history() {
    const stored = storage("getItem", KEY);
    if (!stored) return [];
    try {
      const response = await this.#call("conversation/", { token: stored });
      const { messages } = await response.json();
      await this.#refresh(stored);
      return messages;
    } catch (error) {
      if (error.code === "visit_ended") this.forget();
      return [];
    }
  }

  /** The events of the answer to `message`; sent again with its `key` it is answered once. */
  ask(message, key, signal) {
    return this.#events("chat/", { message }, { signal, key });
  }

  /** The events of another answer to the last question. */
  again(signal) {
    return this.#events("again/", {}, { signal });
  }

  /** The events of the answer to `message` in the place of an earlier question. */
  edit(questionId, message, key, signal) {
    return this.#events("fork/", { message_id: questionId, message }, { signal, key });
  }

  /** Whether the server now ends the answer that is being written. */
  async stop() {
    const response = await this.#call("stop/", { method: "POST", body: "{}" });
    return (await response.json()).is_stopping;
  }

  /** Throws ChatError; aborting `signal` ends it quietly. */
  async *#events(path, data, { signal, key }) {
    try {
      const body = JSON.stringify(data);
      const response = await this.#call(path, { method: "POST", body, signal, key });
      this.#keep(response.headers.get("X-Visitor-Token"));
      for await (const event of readEvents(response.body)) {
        yield event;
        if (event.name === "done" || event.name === "error") return;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof ChatError ? error : new ChatError("cut", texts.cut);
    }
    if (!signal.aborted) throw new ChatError("cut", texts.cut);
  }

  /** Forgets the conversation in this tab; the next page load begins another. */
  forget() {
    storage("removeItem", KEY);
  }

  #keep(token) {
    if (!token) return;
    this.#token = token;
    storage("setItem", KEY, token);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(token).catch(() => {}), config.tokenMs * 0.75);
  }

  async #refresh(token) {
    const response = await this.#call("token/", { method: "POST", token });
    this.#keep((await response.json()).token);
  }

  async #call(path, { token = this.#token, method = "GET", body, signal, key } = {}) {
    const headers = { Authorization: `Bearer ${token}` };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const options = { method, body, signal, headers, credentials: "omit", cache: "no-store" };
    let response;
    try {
      response = await fetch(`/widget/v1/${path}`, options);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ChatError("offline", texts.offline);
    }
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw new ChatError(error?.code ?? "unexpected", error?.message ?? texts.unexpected);
  }
}

/** Session storage where the browser allows it in a frame; otherwise nothing is remembered. */
function storage(method, ...args) {
  try {
    return sessionStorage[method](...args);
  } catch {
    return null;
  }
}
