"""One pass over a source: who works on it, what it reads, what it saves, and how it ends."""
