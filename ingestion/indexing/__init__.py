"""From a saved document to its points: chunks, vectors, and the switch to a new version."""
