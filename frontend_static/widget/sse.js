// Server-sent events from a fetch response: EventSource can neither POST nor send a token.

/** The events of a response body, as `{ id, name, data }` with `data` parsed from JSON. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return; // what is left is an event that never ended: by the standard, none
      buffer += value;
      // A "\r" at the very end may be half of "\r\n": it waits for the next piece.
      const end = buffer.endsWith("\r") ? buffer.length - 1 : buffer.length;
      const parts = buffer.slice(0, end).replace(/\r\n?/g, "\n").split("\n\n");
      buffer = parts.pop() + buffer.slice(end);
      for (const part of parts) {
        const event = parseEvent(part);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // an aborted body cannot be cancelled again
  }
}

function parseEvent(part) {
  const event = { id: "", name: "message" };
  const data = [];
  for (const line of part.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue; // a comment: the server's heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") data.push(value);
  }
  return data.length ? { ...event, data: JSON.parse(data.join("\n")) } : null;
}
