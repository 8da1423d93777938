"""What keeps a code repository from being read, as its owner sees it."""

from __future__ import annotations

from ingestion.errors import IngestionError


class RepositoryAddressInvalid(IngestionError):
    code = "repository_address_invalid"
    status = 400
    default_message = (
        "This is not the address of a code repository. Write it like "
        "https://github.com/owner/repository, or copy the address of one of its folders."
    )


class RepositoryNotFound(IngestionError):
    """401, 403 or 404 without a token: forges do not tell a private repository from none."""

    code = "repository_not_found"
    default_message = (
        "No repository was found at this address: it is private, misspelt, or has no such branch "
        "or tag. Check the address in a browser in which you are not signed in; of a private "
        "repository, upload the files."
    )


class RepositoryAccessDenied(IngestionError):
    code = "repository_access_denied"
    default_message = (
        "The repository cannot be read with this access token. Make a token that may read its "
        "code, and check the address."
    )


class RepositoryRateLimited(IngestionError):
    code = "repository_rate_limited"
    retryable = True
    default_message = (
        "The repository's server has had too many requests from here. Try again in an hour."
    )


class RepositoryUnavailable(IngestionError):
    code = "repository_unavailable"
    retryable = True
    default_message = "The repository's server reports an error. Try again later."


class RepositoryTooLarge(IngestionError):
    code = "repository_too_large"
    status = 413
    default_message = (
        "The repository is larger than this server reads. Upload the files that matter instead."
    )


class RepositoryDamaged(IngestionError):
    """The archive is cut short, is no archive, or breaks the rules of its format."""

    code = "repository_damaged"
    retryable = True
    default_message = "The repository's archive arrived damaged. Try again later."
