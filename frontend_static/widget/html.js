// The only place where a string becomes HTML.
//
// Why that is safe: the one kind of string that comes here is `html` of a `block` or `done` event or of
// a stored message, which our server made from Markdown with bots/markdown.py (no raw HTML, no images,
// links to http, https and mailto only, then nh3 with a short list of tags). The page's policy names this
// Trusted Types policy and no other, so any other assignment of a string to a HTML sink throws.

const policy = window.trustedTypes?.createPolicy("botfactory", { createHTML: (html) => html });

/** A fragment of the server's cleaned HTML. */
export function fragmentOf(html) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}
