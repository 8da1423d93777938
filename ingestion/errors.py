"""What can go wrong between an address or a file and its points, as owners see it."""

from __future__ import annotations

from botfactory.errors import BotFactoryError


class IngestionError(BotFactoryError):
    code = "ingestion_failed"
    status = 422
    default_message = "This source could not be read."


class SiteUnreachable(IngestionError):
    """The start address of a website failed; the message carries the cause."""

    code = "site_unreachable"
    default_message = "The website could not be opened. Check the address in a browser."


class RobotsUnavailable(IngestionError):
    """robots.txt answered 5xx or not at all: the site must be left alone for now. Retryable."""

    code = "robots_unavailable"
    retryable = True
    default_message = (
        "The site's robots.txt is failing, so nobody knows which pages may be read. Try again "
        "later, or tell the site's owner."
    )


class SiteFailing(IngestionError):
    """Of the pages that were known, more than half answered with errors. Nothing was changed."""

    code = "site_failing"
    retryable = True
    default_message = (
        "Most pages of the site answered with errors, so nothing was removed and the earlier text "
        "keeps answering. Check the site, then refresh the source."
    )


class RunCancelled(IngestionError):
    """A member stopped the first reading of a source before anything was read."""

    code = "cancelled"
    default_message = "Reading was stopped before anything was read. Start it again when you like."


class StorageFull(IngestionError):
    """The disk or bucket for uploads takes no more; nothing was kept."""

    code = "storage_full"
    status = 507
    default_message = (
        "The server has no room left for files, so nothing was saved. Ask its operator to make "
        "room, then upload again."
    )


class ExtractionError(IngestionError):
    """Base of everything that keeps one page or file from becoming text."""

    code = "extraction_failed"
    default_message = "No text could be read from this."


def detail_of(error: ExtractionError) -> str:
    """What the error's message says beyond that of its class; empty where that is all."""
    return "" if error.public_message == error.default_message else error.public_message


class FileEmpty(ExtractionError):
    code = "file_empty"
    default_message = "The file is empty (0 bytes). Upload it again."


class FileTooLarge(ExtractionError):
    code = "file_too_large"
    status = 413
    default_message = "The file is larger than this server reads. Split it into smaller files."


class UnsupportedType(ExtractionError):
    code = "unsupported_type"
    status = 415
    default_message = (
        "This kind of file cannot be read. Use PDF, Word (.docx), PowerPoint (.pptx), Excel "
        "(.xlsx), OpenDocument, CSV, EPUB, HTML, Markdown, code or plain text; save older files as "
        "one of these."
    )


class TextNotDecodable(ExtractionError):
    code = "text_not_decodable"
    default_message = "The text is in an unknown encoding. Save the file as UTF-8."


class PageTooComplex(ExtractionError):
    """The pre-scan refused markup that would keep a parser busy for minutes."""

    code = "page_too_complex"
    default_message = "The page's HTML is built in a way that cannot be read safely."


class TooThin(ExtractionError):
    """Hardly any text: a login form, a captcha, or a page that scripts fill in the browser."""

    code = "too_thin"
    default_message = (
        "The page holds almost no text of its own. It may need a login, or build its content with "
        "scripts."
    )


class LinkList(TooThin):
    """A table of contents or an index: its words stand on the pages that it links to."""

    code = "link_list"
    default_message = "The page is a list of links. What it leads to is read in its place."


class PdfEncrypted(ExtractionError):
    code = "pdf_encrypted"
    default_message = "The PDF is protected by a password. Upload a copy without one."


class PdfDamaged(ExtractionError):
    code = "pdf_damaged"
    default_message = "The PDF is damaged. Open it and save or export it again."


class FileEncrypted(ExtractionError):
    code = "file_encrypted"
    default_message = (
        "The file is protected by a password or by copy protection. Upload a copy without it."
    )


class FileDamaged(ExtractionError):
    code = "file_damaged"
    default_message = (
        "The file is damaged, or it is not what its name says. Open it in the program that made it "
        "and save it again."
    )


class ArchiveUnsafe(ExtractionError):
    """An archive with what honest programs never write: names that lead outside, links, doubles."""

    code = "archive_unsafe"
    default_message = (
        "The file is packed in a way that is not safe to open. Save it again with the program that "
        "made it."
    )


class ArchiveTooLarge(ExtractionError):
    """Unpacking went over a limit on bytes or on the number of members."""

    code = "archive_too_large"
    default_message = (
        "Unpacked, the file is larger than this server reads. Remove large parts, or split it."
    )


class DocumentTooComplex(ExtractionError):
    """More XML elements than real documents have; reading them would take minutes or gigabytes."""

    code = "document_too_complex"
    default_message = (
        "The document consists of more parts than can be read safely. Split it into smaller files."
    )


class TableTooLarge(ExtractionError):
    code = "table_too_large"
    default_message = (
        "The table has more than a million cells with content. Split it into smaller files."
    )


class NoTextFound(ExtractionError):
    code = "no_text_found"
    default_message = (
        "No text was found: the file is blank, or its pages are pictures, such as scans. Run text "
        "recognition (OCR) on scans first."
    )


class TooManyPages(ExtractionError):
    code = "too_many_pages"
    default_message = "The PDF has more than 5,000 pages. Split it into smaller files."


class TextTooLong(ExtractionError):
    code = "text_too_long"
    default_message = "The text is longer than 10 million characters. Split it into smaller files."


class ExtractionTimeout(ExtractionError):
    code = "extraction_timeout"
    default_message = "Reading this took too long, so it was stopped. Try a smaller file."


class ExtractionCrashed(ExtractionError):
    """The child process died over this input: out of memory, CPU limit or a parser's bug."""

    code = "extraction_crashed"
    default_message = "Reading this needs more memory or time than allowed. Try a smaller file."


class GaveUp(ExtractionError):
    """The worker died each time it read this page or file, so others go on without it."""

    code = "gave_up"
    default_message = (
        "Reading this stopped the server three times, so it was left out. Try it again, or exclude "
        "it."
    )


class QuestionFileInvalid(IngestionError):
    """A file of question-answers that cannot be read at all; the message says why."""

    code = "question_file_invalid"
    status = 400
    default_message = (
        "The file cannot be read. Save it as CSV with columns named question and answer."
    )


class NothingIndexed(IngestionError):
    """The run ended without a single document; the message carries the cause where there is one."""

    code = "nothing_indexed"
    default_message = (
        "Nothing could be read from this source. The report says why for every page or file."
    )


class IndexingFailed(IngestionError):
    """A document was set aside after several unexpected errors."""

    code = "indexing_failed"
    status = 500
    default_message = "This document could not be indexed. Try it again, or report a bug."


class RendererUnavailable(IngestionError):
    """The browser that runs scripts of pages cannot be started."""

    code = "renderer_unavailable"
    status = 503
    default_message = (
        "The browser for JavaScript rendering cannot be started. The operator of this server "
        "installs Chromium and the `render` extra, or rendering is turned off for this source."
    )


class RenderFailed(IngestionError):
    """One page could not be rendered: too slow, too large, or the browser gave up."""

    code = "render_failed"
    default_message = "The page could not be shown in a browser. Try it again later."
