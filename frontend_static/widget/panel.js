// The panel: a transcript, a composer, and what happens between them.

import { Answer } from "./answer.js";
import { Composer } from "./composer.js";
import { applyColours } from "./config.js";
import { el } from "./dom.js";
import { closePanel, listenToHost } from "./host.js";
import { Suggestions } from "./suggestions.js";
import { texts } from "./texts.js";
import { ChatError, Visit } from "./visit.js";

const scroller = document.getElementById("scroller");
const transcript = document.getElementById("transcript");
const announcer = document.getElementById("announcer");
const SHOWN = new Set(["status", "sources", "delta", "block", "done"]);
const visit = new Visit();
let controller = null;

/** Says `text` once to screen readers; the visible transcript is silent, or each delta would be read. */
function announce(text) {
  if (!text) return;
  announcer.append(el("p", {}, text));
  while (announcer.children.length > 20) announcer.firstChild.remove();
}

/** Runs `change`, and stays at the end of the transcript if the visitor was there. */
function following(change) {
  const wasAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
  change();
  if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

function addQuestion(text) {
  const label = el("span", { class: "hidden" }, `${texts.you}: `);
  transcript.append(el("div", { class: "message visitor", dir: "auto" }, label, text));
}

function addAnswer(answer) {
  transcript.append(answer.element);
  return answer;
}

function restart() {
  visit.forget();
  location.reload();
}

async function answerTo(question) {
  const answer = addAnswer(new Answer(announce));
  const own = (controller = new AbortController());
  answer.status({ phase: "searching" });
  suggestions.offer();
  scroller.scrollTop = scroller.scrollHeight;
  composer.busy = true;
  try {
    for await (const { name, data } of visit.ask(question, own.signal)) {
      if (name === "error") throw new ChatError(data.error.code, data.error.message);
      if (SHOWN.has(name)) following(() => answer[name](data));
      if (name === "done") following(() => suggestions.offer(data.follow_ups));
    }
    if (own.signal.aborted) answer.stopped();
  } catch (error) {
    following(() => showProblem(answer, question, error));
  } finally {
    composer.busy = false;
  }
}

function showProblem(answer, question, error) {
  const isKnown = error instanceof ChatError;
  if (!isKnown) console.error("[BotFactory]", error);
  const again = () => {
    answer.element.remove();
    answerTo(question);
  };
  const isOver = error.code === "visit_ended";
  const action = isOver ? { label: texts.restart, run: restart } : { label: texts.retry, run: again };
  answer.fail(isKnown ? error.message : texts.unexpected, action);
}

async function restoreConversation() {
  const messages = await visit.history();
  if (messages.length) suggestions.offer(messages.at(-1).follow_ups);
  else suggestions.start();
  for (const message of messages) {
    if (message.role === "user") addQuestion(message.text);
    else addAnswer(Answer.restored(message));
  }
  scroller.scrollTop = scroller.scrollHeight;
}

async function send(question) {
  await restored; // or the question would stand above what came before it
  addQuestion(question);
  answerTo(question);
}

const composer = new Composer(document.getElementById("composer"), {
  onSend: send,
  onStop: () => controller?.abort(),
});
const suggestions = new Suggestions(document.getElementById("suggestions"), (question, isByKey) => {
  send(question);
  if (isByKey) composer.focus(); // the button is gone; a tap would bring up the keyboard
});

applyColours();
listenToHost(() => composer.focus());
document.getElementById("restart").addEventListener("click", restart);
document.getElementById("close").addEventListener("click", closePanel);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) closePanel();
});
const restored = restoreConversation();
