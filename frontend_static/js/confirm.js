// <form data-confirm="Question?" data-confirm-action="Delete">: asks before the form is sent. A button
// of a form with several may hold both attributes itself.

const confirmed = new WeakSet();

function makeDialog(question, action) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-label", action);
  const text = document.createElement("p");
  text.textContent = question;
  const choices = document.createElement("form");
  choices.method = "dialog";
  choices.className = "form-actions";
  choices.append(
    makeChoice("Cancel", "cancel", "button button-quiet"),
    makeChoice(action, "go", "button button-danger"),
  );
  dialog.append(text, choices);
  return dialog;
}

function makeChoice(label, value, className) {
  const button = document.createElement("button");
  button.value = value;
  button.className = className;
  button.textContent = label;
  return button;
}

function ask(form, submitter, { confirm, confirmAction }) {
  const dialog = makeDialog(confirm, confirmAction);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "go") return;
    // A fragment that renews itself may have replaced the form meanwhile: send the one that asked.
    if (!form.isConnected) document.body.append(form);
    confirmed.add(form);
    form.requestSubmit(submitter);
  });
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asking = [event.submitter, form].find((element) => element?.dataset.confirm);
  if (!asking || confirmed.delete(form)) return;
  event.preventDefault();
  ask(form, event.submitter, asking.dataset);
});
