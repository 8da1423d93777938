"""Pages that were answered as if all were well, but are no pages: logins, captchas, consent walls,
error texts, and shells that scripts fill.

Words alone prove nothing: documentation speaks of all these things. A page is doubted only when its
own title or first heading is such a phrase as a whole, or its form asks for a password, and when it
has next to no text beside that. Code or a table says that it is a real page.
"""

from __future__ import annotations

import re

from lxml import etree

from ingestion.crawling.types import Reason

MAX_ERROR_CHARS = 900
MAX_LOGIN_CHARS = 600
MAX_CAPTCHA_CHARS = 700
MAX_CONSENT_CHARS = 1_500
MAX_SHELL_CHARS = 200
MIN_MAIN_CHARS = 250
NO_TEXT_CHARS = 20

_SEPARATOR = re.compile(r"\s+[|\u2013\u2014\u00b7\u00bb:>-]+\s+|\s*[|\u00bb]\s*|:\s+")
_MISSING = re.compile(
    r"(?:(?:http|error|fehler|erreur|oops|sorry|ooops|uh oh)\W*)*(?:"
    r"404(?:\W*error)?(?:\W*(?:file |page )?not found)?(?:\W*page)?"
    r"|(?:404\W*)?(?:(?:the|this|that|your|requested) )*(?:page|file|url|site|content|resource)"
    r"(?: you(?:'re| are|'ve| have)? (?:requested|looking for|look for))?"
    r" (?:was |is |has |could |can )?(?:not|n't|cannot)(?: be| been)? found"
    r"|(?:(?:the|this|that) )?page (?:does not|doesn.t|no longer) exists?"
    r"|(?:404\W*)?not found|we can.t find (?:that|the|this) page|nothing (?:was )?found here"
    r"|seite (?:wurde )?nicht gefunden|page (?:non trouvée|introuvable)"
    r"|página n(?:o|ão) encontrada|pagina non trovata|pagina niet gevonden"
    r"|sidan (?:kunde inte hittas|hittades inte)|siden (?:ble|blev) ikke fundet"
    r"|nie znaleziono strony|strona nie (?:istnieje|została znaleziona)"
    r"|\u0441\u0442\u0440\u0430\u043d\u0438\u0446\u0430 \u043d\u0435"
    r" \u043d\u0430\u0439\u0434\u0435\u043d\u0430"
    r"|页面(?:不存在|未找到)|找不到(?:页面|網頁)"
    r"|ページが見つかりません(?:でした)?"
    r")",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"just a moment|attention required!?|access denied|(?:are you|you are not) a robot"
    r"|(?:security|browser|human|captcha) (?:check|verification)|captcha|robot check"
    r"|(?:please )?(?:verify|confirm|prove)(?: that)? you(?:'re| are)(?: a| not a)? (?:human|robot)"
    r"|checking your browser(?: before accessing.*)?|one more step|ddos-guard",
    re.IGNORECASE,
)
_CHALLENGE_TEXT = re.compile(
    r"(?:verify|confirm|prove|check\w*)\W+(?:\w+\W+){0,5}(?:human|robot|browser\W+before)"
    r"|unusual traffic|complete the (?:captcha|security check)"
    r"|enable (?:javascript|js) and cookies to continue|not a (?:robot|bot)\b",
    re.IGNORECASE,
)
_CHALLENGE_MARKS = (
    b"cf-chl", b"cf_chl", b"challenge-platform", b"g-recaptcha", b"h-captcha", b"hcaptcha.com",
    b"px-captcha", b"captcha-delivery.com", b"awswaf", b"turnstile",
)  # fmt: skip
_LOGIN_PATH = re.compile(
    r"/(?:log-?in|sign-?in|sso|saml2?|oauth2?|users/sign_in|wp-login\.php)(?:[/?._-]|$)",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:please |user |member |customer )?(?:sign|log)[ -]?(?:in|on)(?: (?:to|with|required)\b.*)?"
    r"|authentication required|anmelden|einloggen|login erforderlich|connexion|se connecter"
    r"|iniciar sesión|acceder|accedi|entrar|inloggen|logga in|zaloguj(?: się)?"
    r"|\u0432\u043e\u0439\u0442\u0438|登录|ログイン",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"before you continue(?: to .*)?|we (?:value|care about|respect) your privacy|privacy settings"
    r"|cookies?(?: and privacy)? (?:consent|settings|preferences|notice)|we use cookies"
    r"|your privacy(?: choices)?|wir (?:verwenden cookies|respektieren ihre privatsphäre)"
    r"|datenschutz-?einstellungen|bevor (?:sie|du) (?:fortfahren|fortfährst).*"
    r"|weiter mit werbung.*"
    r"|nous respectons votre vie privée|usamos cookies|tu privacidad.*",
    re.IGNORECASE,
)
_ACCEPT = re.compile(
    r"(?:i |yes,? ?i ?)?(?:accept|agree|allow|consent|akzeptieren|zustimmen|einverstanden|accepter"
    r"|aceptar|accetta|akkoord)\w*(?: (?:all|cookies|and continue|to all|alle|tout|todo\w*).*)?"
    r"|alle(?: cookies)? (?:akzeptieren|annehmen)|tout accepter|got it",
    re.IGNORECASE,
)
_SHELL_ID = re.compile(
    r"root|app|__next|__nuxt|___gatsby|svelte|main-app|react-root|app-root", re.IGNORECASE
)
_NEEDS_SCRIPTS = re.compile(
    r"(?:enable|activate|requires?|turn on|need|without)\W+(?:\w+\W+){0,3}javascript"
    r"|javascript (?:is |must be )?(?:required|disabled|enabled)",
    re.IGNORECASE,
)
_NAME_FIELD = (
    "//form//input[@type='email' or @type='tel' or "
    + " or ".join(
        f"contains(translate(@name,'EILMNRSU','eilmnrsu'),'{name}')"
        for name in ("user", "mail", "ident")
    )
    + "]"
)
_UNREAD = "self::script or self::style or self::noscript or self::template or self::svg"


def judge_looks(root: etree._Element, *, path: str, has_scripts: bool) -> Reason | None:
    """Why this page, answered with 200 under `path`, is no page to index; None for ordinary ones.

    `path` is the path and query of the page's own address.
    """
    names = _own_names(root)
    has_password = _has(root, "//input[translate(@type,'PASWORD','pasword')='password']")
    n_chars = _n_visible_chars(root)
    if has_password and (_LOGIN_PATH.search(path) or n_chars < MAX_LOGIN_CHARS):
        return Reason.LOGIN_PAGE
    if n_chars < MAX_CONSENT_CHARS and (reason := _judge_short_page(root, names, n_chars)):
        return reason
    if any(_MISSING.fullmatch(name) for name in names) and _is_bare(root, MAX_ERROR_CHARS):
        return Reason.NOT_FOUND_PAGE
    if has_scripts and n_chars < MAX_SHELL_CHARS and _is_shell(root, n_chars):
        return Reason.JAVASCRIPT_ONLY
    return None


def _judge_short_page(root: etree._Element, names: list[str], n_chars: int) -> Reason | None:
    if n_chars < MAX_CAPTCHA_CHARS and _is_challenge(root, names):
        return Reason.CAPTCHA
    is_login = any(_LOGIN.fullmatch(name) for name in names)
    if n_chars < MAX_LOGIN_CHARS and is_login and _has(root, _NAME_FIELD):
        return Reason.LOGIN_PAGE if _is_bare(root, MAX_LOGIN_CHARS) else None
    if any(_CONSENT.fullmatch(name) for name in names) and _asks_for_consent(root):
        return Reason.CONSENT_WALL
    return None


def _own_names(root: etree._Element) -> list[str]:
    """What the page calls itself: its title and first heading, whole and cut at separators."""
    found: list[str] = []
    for element in (root.find(".//title"), root.find(".//h1")):
        text = " ".join("".join(element.itertext()).split())[:300] if element is not None else ""
        for one in (text, *_SEPARATOR.split(text)):
            if name := one.strip(" .!?…"):
                found.append(name)
    return found


def _is_challenge(root: etree._Element, names: list[str]) -> bool:
    is_named = any(_CHALLENGE.fullmatch(name) for name in names)
    if not _is_bare(root, MAX_CAPTCHA_CHARS):
        return False
    if is_named:
        return True
    markup = etree.tostring(root)
    has_mark = any(mark in markup for mark in _CHALLENGE_MARKS)
    return has_mark and bool(_CHALLENGE_TEXT.search(_visible_text(root)))


def _asks_for_consent(root: etree._Element) -> bool:
    mains = root.xpath("//main | //article")
    if any(len(_squeezed("".join(one.itertext()))) >= MIN_MAIN_CHARS for one in mains):
        return False
    controls = root.xpath("//button | //input[@type='submit'] | //a | //*[@role='button']")
    return any(
        _ACCEPT.fullmatch(" ".join("".join(one.itertext()).split()) or one.get("value", ""))
        for one in controls[:200]
    )


def _is_bare(root: etree._Element, most_chars: int) -> bool:
    """True for a page without code, tables or more prose than a short excuse."""
    if _has(root, "//pre | //code | //table[.//th] | //dl"):
        return False
    texts = root.xpath(
        f"//body//text()[not(ancestor::*[{_UNREAD} or self::a or self::nav or self::header"
        " or self::footer or self::select])]"
    )
    return sum(len(text.strip()) for text in texts) < most_chars


def _is_shell(root: etree._Element, n_chars: int) -> bool:
    """True when the text that is there is not what the page is for."""
    if n_chars < NO_TEXT_CHARS:
        return True
    hints = " ".join("".join(one.itertext()) for one in root.iter("noscript"))[:2_000]
    if _NEEDS_SCRIPTS.search(hints) and "comment" not in hints.lower():
        return True
    holders = [one for one in root.iter("div", "main", "app-root") if _is_holder(one)]
    return any(len(_squeezed("".join(one.itertext()))) < NO_TEXT_CHARS for one in holders)


def _is_holder(element: etree._Element) -> bool:
    return element.tag == "app-root" or bool(_SHELL_ID.fullmatch(element.get("id") or ""))


def _has(root: etree._Element, path: str) -> bool:
    return bool(root.xpath(f"boolean({path})"))


def _n_visible_chars(root: etree._Element) -> int:
    """Letters of the body outside scripts and styles, without spaces."""
    bodies = root.xpath("/html/body")
    if not bodies:
        return len(_squeezed(_visible_text(root)))
    whole = etree.tostring(bodies[0], method="text", encoding="unicode", with_tail=False)
    unread = bodies[0].iter("script", "style", "noscript", "template")
    return len(_squeezed(whole)) - sum(len(_squeezed("".join(one.itertext()))) for one in unread)


def _visible_text(root: etree._Element) -> str:
    texts = root.xpath(f"//body//text()[not(ancestor::*[{_UNREAD}])]")
    return " ".join(" ".join(texts).split())


def _squeezed(text: str) -> str:
    return "".join(text.split())
