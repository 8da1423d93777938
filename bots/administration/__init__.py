"""Engines as people look after them: who may, what a row may hold, trying one, importing some.

What the server does with the rows (health, choice, failover) is `bots.engines`' and
`bots.answering`'s. See docs/engines.md.
"""
