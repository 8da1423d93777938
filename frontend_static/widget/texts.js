// Every text of the panel that is not in the page itself.

export const texts = Object.freeze({
  searching: "Looking through the sources…",
  answering: "Writing the answer…",
  queued: (position) => `You are number ${position} in line.`,
  fallback: "Quoted from the sources: the language model is not reachable right now.",
  sources: "Sources",
  page: (n) => `page ${n}`,
  openSource: (n, title) => `Source ${n}: ${title}`,
  untitled: "Untitled source",
  showPassage: "Show the passage",
  stopped: "Stopped.",
  interrupted: "This answer was cut off.",
  retry: "Try again",
  restart: "Start again",
  you: "You",
  offline: "The chat cannot be reached. Check your connection and try again.",
  cut: "The connection was lost before the answer was complete.",
  unexpected: "Something went wrong. Please try again.",
});
