"""What one reply is: a page to index, another address of one, or nothing, and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Protocol

from yarl import URL

from botfactory.lib.safe_http import FetchedResponse
from ingestion.crawling.admission import Admission
from ingestion.crawling.canonical import Address, canonicalise, page_id
from ingestion.crawling.content_types import read_content_type
from ingestion.crawling.frontier import Entry, Frontier
from ingestion.crawling.hreflang import choose_version
from ingestion.crawling.ledger import Ledger
from ingestion.crawling.links import (
    PageFacts,
    canonical_header,
    header_values,
    join_link,
    read_page,
)
from ingestion.crawling.robots import read_page_rules
from ingestion.crawling.scope import site_name
from ingestion.crawling.types import FetchedPage, FoundUrl, Outcome, Reason
from ingestion.errors import PageTooComplex
from ingestion.extraction.kinds import HTML

MAX_QUICK_BYTES = 300_000

_READ_STATUSES = frozenset({200, 203})
_REFUSALS = {401: Reason.FORBIDDEN, 403: Reason.FORBIDDEN, 404: Reason.GONE, 410: Reason.GONE}
_BUSY = {429: Reason.BUSY, 503: Reason.BUSY}


class Viewer(Protocol):
    """Turns a page into what a browser would show, where the source asks for that."""

    async def view(self, response: FetchedResponse) -> FetchedResponse:
        """The page with its scripts run, or as it came when that failed."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a reply is no page of its own; `detail` is the other page's address, for example.

    `is_loss` marks what happens to all pages of a site that is closed or down: they show, or lead
    to, one and the same page.
    """

    reason: Reason
    detail: str = ""
    is_loss: bool = False


class ReplyJudge:
    """Ends each entry whose reply came, after following its links."""

    def __init__(
        self, admission: Admission, *, frontier: Frontier, ledger: Ledger, viewer: Viewer | None
    ) -> None:
        self._admission = admission
        self._frontier = frontier
        self._ledger = ledger
        self._viewer = viewer
        self._contents: dict[int, tuple[str, int]] = {}
        self._start_id = 0

    async def judge(self, entry: Entry, response: FetchedResponse) -> None:
        """Tells the ledger what became of `entry`."""
        status = response.status
        if status == 304:
            return await self._ledger.end(entry, Outcome.UNCHANGED)
        if status not in _READ_STATUSES:
            reason = _REFUSALS.get(status) or _BUSY.get(status, Reason.HTTP_STATUS)
            detail = f"HTTP {status}"
            return await self._ledger.end(entry, Outcome.FAILED, reason=reason, detail=detail)
        entry_id, final = page_id(entry.url), Address.of(canonicalise(response.url))
        if final.page_id == entry_id or entry.is_start:
            self._start_id = entry_id if entry.is_start else self._start_id
            await self._judge_page(entry, response)
            return
        refusal = self._refuse_redirect(entry, final, response.url)
        await self._end(entry, refusal or await self._judge_moved(entry, final, response))

    def _refuse_redirect(self, entry: Entry, final: Address, url: URL) -> _Refusal | None:
        """Why the page that `entry` redirects to is not read now."""
        is_same_site = site_name(url) == site_name(URL(entry.url, encoded=True))
        if reason := self._admission.refuse(final.url):
            return _Refusal(reason, final.url)
        if not is_same_site and not self._admission.scope.contains(url):
            return _Refusal(Reason.OFF_SCOPE, final.url)
        if not self._frontier.is_known(final.page_id):
            return None
        reason = self._ledger.drop_reason(final.page_id) or Reason.DUPLICATE
        return _Refusal(reason, final.url, is_loss=final.page_id == self._start_id)

    async def _judge_moved(
        self, entry: Entry, final: Address, response: FetchedResponse
    ) -> _Refusal:
        """The reply belongs to the page it came from in the end, so that a run which finds that
        page by another way knows it by the same address. What leads to a login is one itself."""
        claimed = self._frontier.claim(final) or final
        await self._ledger.see([FoundUrl(claimed.url, entry.depth, via=entry.url)])
        is_seed = self._frontier.is_seed(final.page_id)
        refusal = await self._judge_page(Entry(claimed.url, entry.depth, is_seed=is_seed), response)
        return _Refusal(refusal.reason if refusal else Reason.DUPLICATE, claimed.url)

    async def _end(self, entry: Entry, refusal: _Refusal) -> None:
        await self._ledger.end(
            entry,
            Outcome.SKIPPED,
            reason=refusal.reason,
            detail=refusal.detail,
            is_loss=refusal.is_loss,
        )

    async def _judge_page(self, entry: Entry, response: FetchedResponse) -> _Refusal | None:
        """Ends `entry` by its reply, as a page or with the refusal that comes back."""
        declared = response.headers.get("Content-Type", "")
        kind, charset = read_content_type(declared, body=response.body, path=response.url.path)
        if kind is None:
            refusal: _Refusal | None = _Refusal(Reason.TYPE, declared.partition(";")[0][:80])
        elif kind == HTML:
            viewed = await self._viewer.view(response) if self._viewer else response
            charset = charset if viewed is response else "utf-8"
            response = viewed
            refusal = await self._read_html(entry, response)
        else:
            refusal = await self._refuse_file(entry, response)
        refusal = refusal or self._refuse_content(entry, response)
        if refusal is not None:
            await self._end(entry, refusal)
        elif kind is not None and not entry.is_settled:
            page = _make_page(entry, response, kind=kind, charset=charset)
            await self._ledger.add_page(page, is_seed=entry.is_seed)
        return refusal

    async def _read_html(self, entry: Entry, response: FetchedResponse) -> _Refusal | None:
        """Follows the page's links; why the page itself is not to be indexed, if it is not."""
        try:
            facts = await _read_facts(response)
        except PageTooComplex:
            return _Refusal(Reason.TOO_COMPLEX)
        base = join_link(str(response.url), facts.base)
        if not facts.is_nofollow:
            self._frontier.n_unlisted += facts.n_cut_links
            joined = (join_link(base, link) for link in facts.links)
            links = (one for one in joined if one)
            await self._admission.admit(links, entry.depth + 1, via=entry.url)
        if facts.is_noindex:
            return _Refusal(Reason.NOINDEX)
        if facts.refresh and (moved := await self._follow(entry, join_link(base, facts.refresh))):
            return moved
        if facts.looks is not None:
            return _Refusal(facts.looks)
        return None if entry.is_start else await self._find_original(entry, facts, base)

    async def _follow(self, entry: Entry, target: str) -> _Refusal | None:
        """A refresh at once is a redirect: its target is checked and read as a page of its own."""
        address = self._admission.clean(target)
        if address is None or address.page_id == page_id(entry.url):
            return None
        if not self._frontier.is_known(address.page_id):
            await self._admission.admit([target], entry.depth, via=entry.url)
        is_inside = self._admission.scope.contains(URL(address.url, encoded=True))
        return _Refusal(Reason.DUPLICATE if is_inside else Reason.OFF_SCOPE, address.url)

    async def _refuse_file(self, entry: Entry, response: FetchedResponse) -> _Refusal | None:
        if read_page_rules(header_values(response.headers, "X-Robots-Tag")).is_noindex:
            return _Refusal(Reason.NOINDEX)
        original = canonical_header(response.headers)
        address = self._admission.clean(join_link(str(response.url), original))
        return await self._defer_to(entry, address) if original else None

    async def _find_original(self, entry: Entry, facts: PageFacts, base: str) -> _Refusal | None:
        """The page that this one repeats, by its own word: its canonical, or another address of it
        in the same language."""
        canonical = self._admission.clean(join_link(base, facts.canonical))
        if facts.canonical and (refusal := await self._defer_to(entry, canonical)):
            return refusal
        joined = ((tag, join_link(base, link)) for tag, link in facts.alternates)
        alternates = [
            (tag, address) for tag, link in joined if (address := self._admission.clean(link))
        ]
        chosen = choose_version(page_id(entry.url), facts.language, alternates)
        return await self._defer_to(entry, chosen)

    async def _defer_to(self, entry: Entry, original: Address | None) -> _Refusal | None:
        """Gives way to the page that this one names as its original.

        Templates that name the front page on every page are wrong and are not believed, and neither
        is an original that was dropped itself: of two pages that point at each other one must stay.
        """
        if original is None or original.page_id == page_id(entry.url):
            return None
        url, scope = URL(original.url, encoded=True), self._admission.scope
        if url.raw_path_qs in ("/", scope.prefix) or not scope.contains(url):
            return None
        is_read = await self._admission.admit_original(original, entry.depth, via=entry.url)
        return _Refusal(Reason.DUPLICATE, original.url) if is_read else None

    def _refuse_content(self, entry: Entry, response: FetchedResponse) -> _Refusal | None:
        """Gives way to a page of the very same bytes (with and without a slash at the end).

        A page of an earlier run may equal one other page: both are indexed under their addresses.
        Where it equals the start page or several others, the site shows one text everywhere.
        """
        if entry.is_start and (refusal := self._admission.refuse_start(entry.url, response.url)):
            return _Refusal(refusal)
        digest = int.from_bytes(blake2b(response.body, digest_size=8).digest(), "big")
        first, n_before = self._contents.get(digest, (entry.url, 0))
        self._contents[digest] = (first, n_before + 1)
        if first == entry.url or entry.is_start:
            return None
        is_everywhere = n_before > 1 or page_id(first) == self._start_id
        if entry.is_seed and not is_everywhere:
            return None
        return _Refusal(Reason.DUPLICATE, first, is_loss=entry.is_seed)


async def _read_facts(response: FetchedResponse) -> PageFacts:
    read = partial(read_page, headers=response.headers, path=response.url.raw_path_qs)
    # A large page takes up to half a second, in which the others must not stand still.
    if len(response.body) > MAX_QUICK_BYTES:
        return await asyncio.to_thread(read, response.body)
    return read(response.body)


def _make_page(
    entry: Entry, response: FetchedResponse, *, kind: str, charset: str | None
) -> FetchedPage:
    return FetchedPage(
        url=entry.url,
        final_url=canonicalise(response.url),
        status=response.status,
        content_type=kind,
        charset=charset,
        body=response.body,
        etag=response.headers.get("ETag", "")[:500],
        last_modified=response.headers.get("Last-Modified", "")[:100],
        depth=entry.depth,
    )
