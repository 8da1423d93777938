// The panel: a transcript, a composer, and what happens between them.

import { TurnActions } from "./actions.js";
import { announce } from "./announcer.js";
import { Answer } from "./answer.js";
import { Composer } from "./composer.js";
import { applyColours } from "./config.js";
import { el } from "./dom.js";
import { closePanel, listenToHost } from "./host.js";
import { Suggestions } from "./suggestions.js";
import { texts } from "./texts.js";
import { ChatError, newKey, Visit } from "./visit.js";

const scroller = document.getElementById("scroller");
const transcript = document.getElementById("transcript");
const SHOWN = new Set(["status", "sources", "delta", "block", "done"]);
const STOP_MS = 3000;
const actions = new TurnActions();
const visit = new Visit();
let controller = null;

/** Runs `change`, and stays at the end of the transcript if the visitor was there. */
function following(change) {
  const wasAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
  change();
  if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

function addQuestion(text) {
  const label = el("span", { class: "hidden" }, `${texts.you}: `);
  const element = el("div", { class: "message visitor", dir: "auto" }, label, text);
  transcript.append(element);
  return element;
}

function restart() {
  visit.forget();
  location.reload();
}

/** Offers what can be done with the last turn, under its answer. */
function offerActions(turn) {
  if (!turn.id) return;
  const again = () => answer({ ...turn, key: "" }, (signal) => visit.again(signal));
  const edit = () => composer.edit(turn.question, (text) => change(turn, text));
  transcript.append(actions.of(again, edit));
}

/** A new question at the end of the transcript. Its key lets it be sent again without being asked twice. */
function ask(question, open = (turn, signal) => visit.ask(question, turn.key, signal)) {
  const turn = { question, id: "", key: newKey(), element: addQuestion(question), answer: null };
  answer(turn, (signal) => open(turn, signal));
}

/** The same place in the conversation with another question: it goes on in a conversation of its own. */
function change(turn, question) {
  turn.element.remove();
  turn.answer.element.remove();
  ask(question, (changed, signal) => visit.edit(turn.id, question, changed.key, signal));
}

/** Shows the answer whose events `open(signal)` gives, in the place of the one that the turn has. */
async function answer(turn, open) {
  actions.remove();
  suggestions.offer();
  turn.answer?.element.remove();
  const shown = (turn.answer = new Answer(announce));
  const { signal } = (controller = new AbortController());
  transcript.append(shown.element);
  shown.status({ phase: "searching" });
  scroller.scrollTop = scroller.scrollHeight;
  composer.busy = true;
  try {
    for await (const { name, data } of open(signal)) {
      if (name === "start") turn.id = data.question_id;
      if (name === "error") throw new ChatError(data.error.code, data.error.message);
      if (SHOWN.has(name)) following(() => shown[name](data));
      if (name === "done") following(() => suggestions.offer(data.follow_ups));
    }
    if (signal.aborted) shown.stopped();
    following(() => offerActions(turn));
  } catch (error) {
    following(() => showProblem(turn, open, error));
  } finally {
    composer.busy = false;
  }
}

function showProblem(turn, open, error) {
  const isKnown = error instanceof ChatError;
  if (!isKnown) console.error("[BotFactory]", error);
  // What reached the server is there under its key, in the conversation of the token.
  const resend = (signal) => visit.ask(turn.question, turn.key, signal);
  const again = () => answer(turn, turn.id && turn.key ? resend : open);
  const isOver = error.code === "visit_ended";
  const action = isOver ? { label: texts.restart, run: restart } : { label: texts.retry, run: again };
  turn.answer.fail(isKnown ? error.message : texts.unexpected, action);
}

/** Asks the server to end the answer and goes on reading to its end; if that fails, hangs up. */
async function stop() {
  const running = controller;
  const hangUp = () => running?.abort();
  const isStopping = await visit.stop().catch(() => false);
  if (isStopping) setTimeout(hangUp, STOP_MS);
  else hangUp();
}

async function restoreConversation() {
  const messages = await visit.history();
  if (messages.length) suggestions.offer(messages.at(-1).follow_ups);
  else suggestions.start();
  let turn = null;
  for (const message of messages) {
    if (message.role === "user") {
      turn = { question: message.text, id: message.id, key: "", element: addQuestion(message.text) };
    } else if (turn) {
      turn.answer = Answer.restored(message);
      transcript.append(turn.answer.element);
    }
  }
  if (turn?.answer) offerActions(turn);
  scroller.scrollTop = scroller.scrollHeight;
}

async function send(question) {
  await restored; // or the question would stand above what came before it
  ask(question);
}

const composer = new Composer(document.getElementById("composer"), {
  onSend: send,
  onStop: stop,
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
