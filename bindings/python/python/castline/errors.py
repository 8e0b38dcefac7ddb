"""Everything that castline raises. `code` is the same in every language."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._castline import Report


class CastlineError(Exception):
    """Base of everything that castline raises."""

    code: str = "UNKNOWN"


class InvalidDigestError(CastlineError, ValueError):
    """The text is not a digest."""

    code = "INVALID_DIGEST"


class InvalidManifestError(CastlineError, ValueError):
    """The bytes are not a manifest."""

    code = "INVALID_MANIFEST"


class InvalidImageError(CastlineError):
    """What was asked for needs an image that is what it claims, and it is not; `report` says why."""

    code = "INVALID_IMAGE"

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message, report)
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidPlatformError(CastlineError, ValueError):
    """The text is not a platform."""

    code = "INVALID_PLATFORM"


class InvalidReferenceError(CastlineError, ValueError):
    """The text is not an image reference."""

    code = "INVALID_REFERENCE"


class InvalidGlobError(CastlineError, ValueError):
    """The text is not a pattern for paths."""

    code = "INVALID_GLOB"


class InvalidAmountError(CastlineError, ValueError):
    """The text is not a number of instances."""

    code = "INVALID_AMOUNT"


class InvalidTimeError(CastlineError, ValueError):
    """The text is not a moment."""

    code = "INVALID_TIME"


class InvalidWindowError(CastlineError, ValueError):
    """The text is not a schedule by which a window opens."""

    code = "INVALID_WINDOW"


class InvalidDocumentError(CastlineError, ValueError):
    """A fleet, a release, a policy, an event or the like is not one; the message names the place."""

    code = "INVALID_DOCUMENT"


class StalePlanError(CastlineError):
    """The plan was made for other fleets, releases or policies."""

    code = "STALE_PLAN"


class SeveralImagesError(CastlineError, ValueError):
    """One image was asked for, and there are several; the message lists them."""

    code = "SEVERAL_IMAGES"


class NoImageError(CastlineError):
    """There is nothing that has files."""

    code = "NO_IMAGE"


class ContentMismatchError(CastlineError):
    """Bytes are not those that a digest announced."""

    code = "CONTENT_MISMATCH"


class SourceChangedError(CastlineError):
    """A file changed while it was put into an image."""

    code = "SOURCE_CHANGED"


class NotIntactError(CastlineError):
    """An image that is to be built upon is not intact."""

    code = "NOT_INTACT"


class SourceError(CastlineError, OSError):
    """A file or folder could not be read. Where it was the system that refused, `errno`, `strerror` and `filename` say what it said."""

    code = "IO"

    def __init__(self, message: str, errno: int | None = None, filename: str | None = None) -> None:
        if errno is None:
            super().__init__(message)
        else:
            super().__init__(errno, os.strerror(errno), filename)
        self._message = message

    def __str__(self) -> str:
        return self._message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._message, self.errno, self.filename)


class SourceNotFoundError(SourceError, FileNotFoundError):
    """A file or folder is not there."""


class SourceDeniedError(SourceError, PermissionError):
    """A file or folder may not be read."""


class UnsupportedError(CastlineError):
    """The source is of a kind that is not read."""

    code = "UNSUPPORTED"


class RegistryUnauthorizedError(CastlineError, OSError):
    """A registry wants to know who we are, or does not allow it."""

    code = "REGISTRY_UNAUTHORIZED"


class RegistryNotFoundError(CastlineError, OSError):
    """A registry has no such image, tag or blob."""

    code = "REGISTRY_NOT_FOUND"


class RegistryUnreachableError(CastlineError, OSError):
    """A registry cannot be reached, or cannot answer for the moment. The same may succeed later."""

    code = "REGISTRY_UNREACHABLE"


class RegistryRefusedError(CastlineError, OSError):
    """A registry does not do what it was asked, or does not keep to the protocol."""

    code = "REGISTRY_REFUSED"


class InvalidCredentialsError(CastlineError, ValueError):
    """The credentials or certificates that were given cannot be used."""

    code = "INVALID_CREDENTIALS"


class OperationCancelledError(CastlineError):
    """The caller asked for the work to stop."""

    code = "CANCELLED"


class NoWorkersError(CastlineError, OSError):
    """No thread can be started."""

    code = "NO_WORKERS"


class _Detailed(CastlineError):
    def __init__(self, message: str, detail: dict[str, Any]) -> None:
        super().__init__(message, detail)
        self.detail = detail
        self.code: str = detail["code"]

    def __str__(self) -> str:
        return str(self.args[0])


class InfeasibleError(_Detailed):
    """There is no plan. `code` is the kind of conflict, `conflict` the constraints that cannot all hold."""

    @property
    def conflict(self) -> list[dict[str, str]]:
        """Each with `name`, `demand` and, where one change helps, `advice`."""
        return list(self.detail["conflict"])


class ViolationError(_Detailed):
    """A plan is not safe, or not what was asked for. `code` is the kind of fault, `trace` the way there."""

    @property
    def trace(self) -> list[str]:
        """The steps that lead there, the first one first."""
        return list(self.detail.get("trace", []))


class BrokenChainError(_Detailed):
    """An entry of a ledger is not what it must be. `code` says what is wrong with it."""

    @property
    def position(self) -> int:
        """How many entries are before it."""
        return int(self.detail["position"])

    @property
    def offset(self) -> int:
        """How many bytes are before it."""
        return int(self.detail["offset"])


_BY_CODE: dict[str, type[CastlineError]] = {
    kind.code: kind
    for kind in (
        InvalidDigestError,
        InvalidManifestError,
        InvalidPlatformError,
        InvalidReferenceError,
        InvalidGlobError,
        InvalidAmountError,
        InvalidTimeError,
        InvalidWindowError,
        InvalidDocumentError,
        StalePlanError,
        SeveralImagesError,
        NoImageError,
        ContentMismatchError,
        SourceChangedError,
        NotIntactError,
        SourceError,
        UnsupportedError,
        RegistryUnauthorizedError,
        RegistryNotFoundError,
        RegistryUnreachableError,
        RegistryRefusedError,
        InvalidCredentialsError,
        OperationCancelledError,
        NoWorkersError,
    )
}


def _of_system(message: str, said: tuple[int, str] | None) -> SourceError:
    if said is None:
        return SourceError(message)
    # The class that Python has for it, of those that castline has one for.
    built_in = type(OSError(said[0], ""))
    kinds = {FileNotFoundError: SourceNotFoundError, PermissionError: SourceDeniedError}
    return kinds.get(built_in, SourceError)(message, *said)
