// BotFactory's loader. Draws a launcher; requests nothing more until the visitor reaches for it.
// Attributes: data-bot, data-position (left|right), data-color (#rrggbb), data-open.
(() => {
  "use strict";
  const LOAD_MS = 20000;
  const READY_MS = 4000; // after the load
  const own = document.currentScript; // or the page's own form of this name
  const script =
    own instanceof HTMLScriptElement
      ? own
      : document.querySelector('script[data-bot][src*="/widget.js"]');
  const bot = (script?.dataset.bot ?? "").trim().toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(bot)) {
    console.error("[BotFactory] The script tag needs data-bot with the id of your bot.");
    return;
  }
  if (document.querySelector(`bf-widget[data-bot="${bot}"]`)) return; // a second run of the tag

  const { origin } = new URL(script.src);
  const side = script.dataset.position === "left" ? "left" : "right";
  const shift = document.querySelectorAll(`bf-widget[data-side="${side}"]`).length * 72;
  const sheet = new CSSStyleSheet();
  // In a shadow root an important rule of ours beats an important rule of the page's.
  sheet.replaceSync(`
    :host { all: initial !important; position: fixed !important; z-index: 2147483647 !important;
      bottom: ${20 + shift}px !important; ${side}: 20px !important }
    :host::before, :host::after { content: none !important }
    [hidden] { display: none !important }
    button { width: 56px; height: 56px; padding: 15px; border: 0; border-radius: 50%;
      color: var(--ink, #fff); background: var(--fill, #2450d3); cursor: pointer;
      box-shadow: 0 1px 3px #0003, 0 20px 60px #0004; transition: transform .15s }
    button:hover { transform: scale(1.06) }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 6px #111 }
    svg { fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round;
      stroke-linejoin: round }
    div { position: fixed; bottom: ${88 + shift}px; ${side}: 20px; width: min(400px, 100vw - 40px);
      overflow: hidden; border-radius: 18px; background: Canvas; color-scheme: light dark;
      box-shadow: 0 1px 3px #0003, 0 20px 60px #0004; animation: rise .18s }
    .panel { height: min(660px, 100dvh - ${108 + shift}px) }
    .note { padding: 20px; box-sizing: border-box; color: CanvasText; font: 15px/1.5 system-ui }
    iframe { display: block; width: 100%; height: 100%; border: 0 }
    @keyframes rise { from { opacity: 0; transform: translateY(12px) } }
    @media (max-width: 480px) {
      .panel { inset: 0; width: 100%; height: 100dvh; border-radius: 0 }
      .panel:not([hidden]) ~ button { visibility: hidden }
    }
    @media (prefers-reduced-motion) { * { animation: none !important; transition: none !important } }
    @media print { :host { display: none !important } }`);

  const make = (tag, attributes) => {
    const element = document.createElement(tag);
    // Own names alone.
    for (const name of Object.keys(attributes)) element.setAttribute(name, attributes[name]);
    return element;
  };
  const draw = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const icon = draw("svg");
  const path = draw("path");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.append(path);
  const host = make("bf-widget", { "data-bot": bot, "data-side": side });
  const panel = make("div", { class: "panel", role: "dialog", "aria-label": "Chat" });
  const note = make("div", { class: "note", role: "status" });
  const launcher = make("button", { type: "button", "aria-haspopup": "dialog" });
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  launcher.append(icon);
  root.append(panel, note, launcher);

  let frame, timer, isOpen, isReady, wantsFocus;

  const show = () => {
    panel.hidden = !isOpen || !frame;
    note.hidden = !isOpen || !!frame;
    path.setAttribute("d", isOpen ? "M6 6l12 12M18 6L6 18" : "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12h5");
    launcher.setAttribute("aria-expanded", !!isOpen);
    launcher.setAttribute("aria-label", isOpen ? "Close chat" : "Open chat");
  };
  const paint = (fill, ink) => {
    if (!/^#[0-9a-f]{6}$/i.test(fill)) return;
    const light = (at) => (parseInt(fill.slice(at, at + 2), 16) / 255) ** 2.2;
    const isLight = 0.2126 * light(1) + 0.7152 * light(3) + 0.0722 * light(5) > 0.18;
    launcher.style.setProperty("--fill", fill);
    launcher.style.setProperty("--ink", ink ?? (isLight ? "#000" : "#fff"));
  };
  const send = (type) => frame.contentWindow?.postMessage({ type }, origin);
  const enter = () => {
    if (!isOpen || !isReady || !wantsFocus) return;
    frame.focus();
    send("open");
  };
  const refuse = () => {
    frame.remove();
    frame = null;
    note.textContent = "This chat could not open here. It may not be allowed on this site.";
    console.error(
      `[BotFactory] Add ${location.origin} to the allowed sites of bot ${bot}; ` +
        `if this page has a Content-Security-Policy, add ${origin} to its frame-src.`,
    );
    show();
  };
  const wait = (ms) => {
    clearTimeout(timer);
    isReady = false;
    timer = setTimeout(refuse, ms);
  };
  const open = () => {
    isOpen = wantsFocus = true;
    if (!frame) {
      frame = make("iframe", { title: "Chat", src: `${origin}/widget/frame/${bot}/` });
      frame.addEventListener("load", () => {
        wait(READY_MS);
        send("hello");
      });
      panel.replaceChildren(frame);
      wait(LOAD_MS);
    }
    show();
    enter();
  };
  const close = () => {
    const hadFocus = root.activeElement;
    isOpen = false;
    show();
    if (hadFocus) launcher.focus();
  };
  const toggle = () => (isOpen ? close() : open());

  const listening = new AbortController();
  const { signal } = listening;
  const onMessage = ({ source, origin: sender, data }) => {
    if (!frame || source !== frame.contentWindow || sender !== origin) return;
    if (data?.type === "close") close();
    if (data?.type !== "ready") return;
    clearTimeout(timer);
    isReady = true;
    paint(data.fill, data.ink);
    enter();
  };
  const destroy = () => {
    listening.abort();
    clearTimeout(timer);
    host.remove();
    if (window.BotFactory === api) delete window.BotFactory;
  };
  const api = Object.freeze({ open, close, toggle, destroy });
  window.BotFactory ??= api;

  addEventListener("message", onMessage, { signal });
  root.addEventListener("keydown", ({ key }) => key === "Escape" && isOpen && close());
  launcher.addEventListener("click", toggle);
  const warm = () => document.head.append(make("link", { rel: "preconnect", href: origin }));
  launcher.addEventListener("pointerenter", warm, { once: true });
  paint(script.dataset.color);
  show();
  // Out of reach of whatever the page does to its <body>.
  const attach = () => {
    document.documentElement.append(host);
    if (script.dataset.open === undefined) return;
    open();
    wantsFocus = false; // nobody asked for it
  };
  if (document.readyState !== "loading") attach();
  else addEventListener("DOMContentLoaded", attach, { once: true, signal });
})();
