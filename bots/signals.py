"""What other apps may hang onto the life of a bot."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `bot` after its points have gone and before its rows go. A receiver that raises keeps
# the bot as a tombstone, and the next purge sends it again.
bot_purging = Signal()
