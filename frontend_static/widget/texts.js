// Every text of the panel that is not in the page itself.

export const texts = Object.freeze({
  searching: "Looking through the sources…",
  answering: "Writing the answer…",
  sources: "Sources",
  page: (n) => `page ${n}`,
  openSource: (n, title) => `Source ${n}: ${title}`,
  untitled: "Untitled source",
  showPassage: "Show the passage",
  stopped: "Stopped.",
  interrupted: "This answer was cut off.",
  retry: "Try again",
  again: "Answer again",
  edit: "Change the question",
  editing: "Changing your question",
  cancel: "Cancel",
  restart: "Start again",
  you: "You",
  offline: "The chat cannot be reached. Check your connection and try again.",
  cut: "The connection was lost before the answer was complete.",
  unexpected: "Something went wrong. Please try again.",
});
