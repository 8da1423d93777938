// The page around the frame: the loader says hello, and only it is listened and spoken to. Which sites
// may be around us at all is the policy's business (frame-ancestors), which the browser enforces.

import { config } from "./config.js";

let origin = null;

/** Calls `onOpen` when the loader shows the panel. */
export function listenToHost(onOpen) {
  if (window.parent === window) return;
  addEventListener("message", (event) => {
    if (event.source !== window.parent || !event.data) return;
    if (event.data.type === "hello") {
      origin = event.origin;
      document.body.classList.add("hosted");
      post({ type: "ready", fill: config.fill, ink: config.ink });
    } else if (event.data.type === "open" && event.origin === origin) {
      onOpen();
    }
  });
}

/** Asks the loader to put the panel away. */
export function closePanel() {
  if (origin) post({ type: "close" });
}

function post(message) {
  window.parent.postMessage(message, origin);
}
