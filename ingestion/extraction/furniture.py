"""Which elements of a page surround its content, told by the words in their classes and ids.

Class names are written by people for people: whatever a site is built with, a list of comments is
called comments. Names are compared word by word, never by substring, so that a `sharecropper`
is not a share bar.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache


class Furniture(IntEnum):
    """How surely a name means furniture. WEAK names stand on content as well."""

    NONE = 0
    WEAK = 1
    STRONG = 2


# Other people's words, and the teasers of other pages: never the content, however much it is.
_STRONG = frozenset([
    "comments", "comment", "commentlist", "respond", "disqus", "reply", "kommentare",
    "kommentar", "commentaires", "comentarios", "cookie", "cookies", "consent", "gdpr",
    "sidebar", "related", "newsletter", "recommended", "recommendations", "recirc",
    "outbrain", "taboola", "trending", "popular", "footer", "breadcrumb", "breadcrumbs",
    "bookmarks",
])  # fmt: skip
_WEAK = frozenset([
    "share", "shares", "sharing", "sharebar", "addthis", "sharedaddy", "social", "socials",
    "sociable", "viral", "subscribe", "subscription", "signup", "login", "register",
    "newsletters", "byline", "author", "authors", "autor", "promo", "promos", "promotion",
    "advert", "adverts", "advertisement", "advertisements", "advertising", "ad", "ads",
    "adsense", "adslot", "sponsor", "sponsored", "sponsors", "tag", "tags", "taglist",
    "tagcloud", "meta", "metadata", "infos", "caption", "captions", "credit", "credits",
    "copyright", "disclaimer", "timestamp", "dateline", "date", "published", "nav", "navbar",
    "navigation", "navi", "menu", "submenu", "banner", "modal", "popup", "lightbox",
    "overlay", "toolbar", "bar", "tools", "pagination", "pager", "paging", "teaser",
    "teasers", "rating", "ratings", "donate", "donation", "poll", "survey", "premium",
    "paywall", "widget", "widgets", "button", "buttons", "btn", "print", "noprint",
    "printonly", "hidden", "hide", "embed", "embedded", "slide", "slideshow", "gallery",
])  # fmt: skip
_PHRASES = re.compile(
    r"(?:read|learn)-(?:more|next|also)|more-(?:on|from|stories|articles|news)"
    r"|most-(?:read|popular|viewed)|see-also|also-(?:read|like)|you-may|post-nav|sign-up"
    r"|(?:next|prev|previous)-(?:article|post|story|up)|user-(?:info|profile)|skip-(?:link|to)|related"
)
# Page builders put every paragraph into a widget.
_NOT_WEAK = re.compile(r"elementor-widget(?!-(?:share|nav|posts))|widget Blog|\bhas-|\bno-")
_CONTENT = re.compile(
    r"(?:article|entry|post|story|news|blog|single|theme|art|main)-*(?:body|content|text|copy)"
    r"|body-(?:text|copy)|full-?text|^(?:content|story|entry|post)$|-body$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@lru_cache(maxsize=20_000)
def furniture_of(name: str) -> Furniture:
    """What a class attribute or an id says. Sites repeat their names, hence the cache."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not _STRONG.isdisjoint(words) or _PHRASES.search("-".join(words)):
        return Furniture.STRONG
    if not _WEAK.isdisjoint(words) and not _NOT_WEAK.search(name):
        return Furniture.WEAK
    return Furniture.NONE


@lru_cache(maxsize=20_000)
def is_content(name: str) -> bool:
    """True for classes and ids such as `entry-content`, `article__body` or `storyText`."""
    return any(_CONTENT.search(word.replace("_", "-")) for word in name.split())


def words_of(name: str) -> set[str]:
    """The words in a class, an id or a heading, in lower case."""
    return {word.lower() for word in _WORD.findall(name)}
