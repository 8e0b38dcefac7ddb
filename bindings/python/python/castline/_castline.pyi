"""The compiled half of castline. What it says of dictionaries is in the JSON Schemas of the project."""

# Made by `cargo xtask stubs`.

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self, final

__all__ = ['Amount', 'Cancel', 'Digest', 'DriftReport', 'Fleet', 'Image', 'Instance', 'Ledger', 'Plan', 'Platform', 'Policy', 'Reference', 'Release', 'Report', 'Revision', 'Rollout', 'Rootfs', 'Scan', 'Target', 'Time', 'Timeline', 'Verification', 'Window', '__version__', '_codes', 'bounds', 'build', 'check', 'compare', 'explore', 'import_aws', 'import_docker', 'import_kubernetes', 'import_packer', 'inspect', 'plan', 'scan', 'simulate', 'tree', 'verify']
__version__: Final[str]

@final
class Amount:
    """
    A number of instances, or a share of them with its rounding: `3`, `25% up`, `25% down`.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

    def of(self, /, total: int) -> int:
        """
        How many that is of `total`.
        """

@final
class Cancel:
    """
    A stop flag, shared by whoever waits and the work. May be set from any thread.
    """

    def __new__(cls, /) -> Self:
        ...

    def __repr__(self, /) -> str:
        ...

    def cancel(self, /) -> None:
        """
        Asks the work to stop: it raises `OperationCancelledError`.
        """

    @property
    def cancelled(self, /) -> bool:
        """
        Whether a stop was asked for.
        """

@final
class Digest:
    """
    A content digest, e.g. `sha256:…`.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

    @property
    def algorithm(self, /) -> str:
        """
        The algorithm, e.g. `sha256`.
        """

    @property
    def encoded(self, /) -> str:
        """
        The digest itself, in hexadecimal.
        """

    @staticmethod
    def of(bytes: bytes) -> Digest:
        """
        The digest of some bytes, by SHA-256.
        """

@final
class DriftReport:
    """
    How what runs differs from what was shipped. Iterates over its findings.
    """

    def __bool__(self, /) -> bool:
        ...

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __iter__(self, /) -> Iterator[dict[str, Any]]:
        ...

    def __len__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def _repr_html_(self, /) -> str:
        """
        For notebooks.
        """

    @property
    def clean(self, /) -> bool:
        """
        Whether nothing drifted, and everything was read.
        """

    @property
    def complete(self, /) -> bool:
        """
        Whether everything was read.
        """

    @property
    def drifted(self, /) -> bool:
        """
        Whether something was added, removed, modified or mounted over, with severity critical or warning.
        """

    @property
    def findings(self, /) -> list[dict[str, Any]]:
        """
        What was found, as dictionaries.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> DriftReport:
        """
        Reads it from a mapping, named as in JSON.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> DriftReport:
        """
        Reads it from JSON, a text or bytes in UTF-8.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its JSON.
        """

@final
class Fleet:
    """
    The instances of a service.
    """

    def __contains__(self, item: object, /) -> bool:
        """
        Whether an instance of this id is in it, or this very instance: one that is equal in all that it says.
        """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __iter__(self, /) -> Iterator[Instance]:
        ...

    def __len__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, service: str, instances: Iterable[Instance]) -> Self:
        """
        The fleet of these instances, in any order.
        """

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def digest(self, /) -> Digest:
        """
        The digest of its canonical form: its identity.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Fleet:
        """
        Reads it from mappings, sequences, texts and numbers, named as in JSON; castline's own values may stand where their form would.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Fleet:
        """
        Reads it from JSON in any form, a text or bytes in UTF-8.
        """

    def get(self, /, id: str) -> Instance | None:
        """
        The instance of this id; none where there is none.
        """

    @property
    def instances(self, /) -> list[Instance]:
        """
        Its instances, sorted by their ids.
        """

    @property
    def service(self, /) -> str:
        """
        The service.
        """

    def to_canonical(self, /) -> bytes:
        """
        Its canonical form (RFC 8785), of which the digest is.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its form for people: indented JSON.
        """

@final
class Image:
    """
    An image of which every byte was checked and found right.
    """

    def __copy__(self, /) -> Self:
        ...

    def __deepcopy__(self, /, _memo: dict[int, Any]) -> Self:
        ...

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def digest(self, /) -> Digest:
        """
        The digest of its manifest.
        """

    @property
    def identities(self, /) -> dict[str, Any]:
        """
        The digests that name it in the wild: of its index, manifest and configuration.
        """

    @property
    def layers(self, /) -> list[Digest]:
        """
        The digests of its layers, the lowest first.
        """

    @property
    def manifest(self, /) -> bytes:
        """
        The bytes of its manifest.
        """

    @property
    def platform(self, /) -> Platform | None:
        """
        What it runs on, where that is said.
        """

@final
class Instance:
    """
    One instance of a service, as it is now.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, id: str, *, image: str='', revision: Revision | None=None, zone: str='', slot: str | None=None, phase: str='running', health: str='ready', integrity: str='unknown', created_at: Time | None=None, ready_at: Time | None=None, deletion_cost: int | None=None, labels: Mapping[str, str] | None=None) -> Self:
        """
        An instance; by default it runs and is ready.
        """

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def created_at(self, /) -> Time | None:
        """
        When it was launched, where that is known.
        """

    @property
    def deletion_cost(self, /) -> int:
        """
        What it costs to lose it, against the others: lower goes first.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Instance:
        """
        Reads it from a mapping, named as in JSON.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Instance:
        """
        Reads it from JSON, a text or bytes in UTF-8.
        """

    @property
    def health(self, /) -> str:
        """
        `ready`, `notReady`, `failed` or `unknown`.
        """

    @property
    def id(self, /) -> str:
        """
        What names it on its platform; it never names another one.
        """

    @property
    def image(self, /) -> str:
        """
        The image that it runs, as its platform says it.
        """

    @property
    def integrity(self, /) -> str:
        """
        `unknown`, `intact` or `compromised`.
        """

    @property
    def labels(self, /) -> dict[str, str]:
        """
        Its labels.
        """

    @property
    def phase(self, /) -> str:
        """
        `pending`, `running`, `terminating` or `quarantined`.
        """

    @property
    def ready_at(self, /) -> Time | None:
        """
        Since when it has been ready, without a break, where that is known.
        """

    @property
    def revision(self, /) -> Revision | None:
        """
        The revision that it was launched from, where it is known.
        """

    @property
    def slot(self, /) -> str | None:
        """
        The slot that it holds, if any.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its JSON.
        """

    @property
    def zone(self, /) -> str:
        """
        Where it is.
        """

@final
class Ledger:
    """
    A chain of entries, each of which names the one before it by its digest. Immutable: appending gives another one.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __len__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /) -> Self:
        """
        The empty one.
        """

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def append(self, /, at: Time, actor: str, record: Mapping[str, Any]) -> Ledger:
        """
        This ledger and one entry more: what `actor` did, and when. `record` is a dictionary, named as in JSON.
        """

    def current(self, /, service: str) -> Digest | None:
        """
        The digest of the release that runs, as far as is recorded.
        """

    def entries(self, /) -> list[dict[str, Any]]:
        """
        The entries, the oldest first, as dictionaries.
        """

    @staticmethod
    def from_lines(lines: str | bytes | bytearray, *, head: Digest | None=None, within: Digest | None=None) -> Ledger:
        """
        Reads it from lines, and verifies each link. Raises `BrokenChainError` for the first entry that is not what it must be.

        `head` is the digest that the last entry must have, `within` one that some entry must have: without either nobody can see
        that the last entries are missing.
        """

    @property
    def head(self, /) -> Digest | None:
        """
        The digest of the last entry, which stands for all of them.
        """

    def history(self, /, service: str) -> list[dict[str, Any]]:
        """
        The rollouts of a service, the oldest first, as dictionaries.
        """

    def images_needed(self, /, keep: int) -> tuple[list[Digest], list[tuple[str, str]], list[Digest]]:
        """
        The images that must be kept for what it can go back to, `keep` releases of each service:
        `(digests, (provider, id) pairs, digests of releases of which nobody knows the image)`.
        """

    def previous_good(self, /, service: str) -> Release | None:
        """
        The last release before the current one that has succeeded.
        """

    def release(self, /, digest: Digest) -> Release | None:
        """
        The release of this digest.
        """

    def rollback_target(self, /, failed: Release) -> Release | None:
        """
        What to go back to from a release that has failed.
        """

    def to_lines(self, /) -> bytes:
        """
        Its lines: the canonical form of each entry.
        """

@final
class Plan:
    """
    How fleets get from what runs to what should, instance by instance.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def _repr_html_(self, /) -> str:
        """
        For notebooks: the drawing.
        """

    @property
    def digest(self, /) -> Digest:
        """
        The digest of its canonical form: its identity.
        """

    @property
    def empty(self, /) -> bool:
        """
        Whether there is nothing to do.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Plan:
        """
        Reads it from mappings, sequences, texts and numbers, named as in JSON; castline's own values may stand where their form would.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Plan:
        """
        Reads it from JSON in any form, a text or bytes in UTF-8.
        """

    @property
    def limits(self, /) -> list[dict[str, Any]]:
        """
        Its limits, as dictionaries.
        """

    @property
    def replacements(self, /) -> list[dict[str, Any]]:
        """
        All replacements in their order, as dictionaries.
        """

    @property
    def stages(self, /) -> list[dict[str, Any]]:
        """
        Its stages, as dictionaries.
        """

    def to_canonical(self, /) -> bytes:
        """
        Its canonical form (RFC 8785), of which the digest is.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_html(self, /, timeline: Timeline | None=None) -> str:
        """
        A page that needs nothing from elsewhere.
        """

    def to_json(self, /) -> str:
        """
        Its form for people: indented JSON.
        """

    def to_svg(self, /, timeline: Timeline | None=None) -> str:
        """
        A drawing.
        """

    def to_text(self, /, timeline: Timeline | None=None, *, width: int=100) -> str:
        """
        For a terminal: stages, replacements and reasons, and capacity over time where a timeline is given.
        """

    @property
    def waves(self, /) -> int:
        """
        How many waves it takes.
        """

@final
class Platform:
    """
    What an image runs on, e.g. `linux/arm64/v8`.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

@final
class Policy:
    """
    How a service may get from what runs to what should: strategy, budgets, order, gates, windows, breakers.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, **members: Any) -> Self:
        """
        A policy with these members, named as in JSON; all others are as by default.
        """

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def digest(self, /) -> Digest:
        """
        The digest of its canonical form: its identity.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Policy:
        """
        Reads it from mappings, sequences, texts and numbers, named as in JSON; castline's own values may stand where their form would.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Policy:
        """
        Reads it from JSON in any form, a text or bytes in UTF-8.
        """

    @property
    def service(self, /) -> str | None:
        """
        The service that it is for; none where it is for any.
        """

    def to_canonical(self, /) -> bytes:
        """
        Its canonical form (RFC 8785), of which the digest is.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its form for people: indented JSON.
        """

@final
class Reference:
    """
    Where an image is, e.g. `oci:DIR:TAG`, `oci-archive:FILE`, `docker-archive:FILE`.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

    @property
    def digest(self, /) -> Digest | None:
        """
        The digest, if any.
        """

    @property
    def path(self, /) -> Path:
        """
        The folder or file.
        """

    @property
    def position(self, /) -> int | None:
        """
        The position in the index, if any.
        """

    @property
    def tag(self, /) -> str | None:
        """
        The tag, if any.
        """

    @property
    def transport(self, /) -> str:
        """
        `oci`, `oci-archive`, `docker-archive` or `docker`.
        """

@final
class Release:
    """
    What should run: so many copies of an image, run so.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, service: str, image: Image, replicas: int) -> Self:
        """
        So many copies of a verified image.
        """

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def digest(self, /) -> Digest:
        """
        The digest of its canonical form: its identity.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Release:
        """
        Reads it from mappings, sequences, texts and numbers, named as in JSON; castline's own values may stand where their form would.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Release:
        """
        Reads it from JSON in any form, a text or bytes in UTF-8.
        """

    @staticmethod
    def of_provider_image(service: str, *, provider: str, id: str, provenance: Mapping[str, str], replicas: int) -> Release:
        """
        So many copies of an image that only its provider has, such as an AMI.
        """

    @property
    def replicas(self, /) -> int:
        """
        How many copies.
        """

    @property
    def revision(self, /) -> Revision:
        """
        What an instance of it is: drivers label instances with it.
        """

    @property
    def service(self, /) -> str:
        """
        The service.
        """

    def to_canonical(self, /) -> bytes:
        """
        Its canonical form (RFC 8785), of which the digest is.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its form for people: indented JSON.
        """

    def with_replicas(self, /, replicas: int) -> Release:
        """
        The same with so many copies: another release of the same revision.
        """

@final
class Report:
    """
    What a verification found: the same bytes and options give the same report. Iterates over its findings.
    """

    def __bool__(self, /) -> bool:
        ...

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __iter__(self, /) -> Iterator[dict[str, Any]]:
        ...

    def __len__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def _repr_html_(self, /) -> str:
        """
        For notebooks.
        """

    @property
    def blobs(self, /) -> int:
        """
        Blobs that were read, each once.
        """

    @property
    def bytes(self, /) -> int:
        """
        Bytes that were read and hashed, as stored.
        """

    @property
    def complete(self, /) -> bool:
        """
        Whether it is intact and nothing that was asked for was left unchecked.
        """

    @property
    def findings(self, /) -> list[dict[str, Any]]:
        """
        What was found, as dictionaries with `code`, `level`, `message` and where it is.
        """

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Report:
        """
        Reads it from a mapping, named as in JSON.
        """

    @staticmethod
    def from_json(text: str | builtins.bytes | bytearray) -> Report:
        """
        Reads it from JSON, a text or bytes in UTF-8.
        """

    @property
    def images(self, /) -> list[dict[str, Any]]:
        """
        The images that were checked, as dictionaries.
        """

    @property
    def intact(self, /) -> bool:
        """
        Whether there is no finding of level error.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its JSON.
        """

@final
class Revision:
    """
    What an instance of a release is: drivers label instances with it.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

@final
class Rollout:
    """
    A plan being executed: asked for what is to be done, told what happened. It does nothing itself, and reads no clock.

    Events and actions are dictionaries, named as in JSON. A journal of the events makes the same rollout again.
    """

    def __copy__(self, /) -> Rollout:
        ...

    def __deepcopy__(self, /, _memo: dict[int, Any]) -> Rollout:
        ...

    def __eq__(self, other: object, /) -> bool:
        ...

    def __new__(cls, /, plan: Plan, *targets: Target, at: Time, fallback: Sequence[Release]=...) -> Self:
        """
        Begins a rollout of a plan at a moment. `fallback` has the releases to go back to where a policy says so.
        """

    def __repr__(self, /) -> str:
        ...

    @property
    def clock(self, /) -> Time:
        """
        The time of the last event.
        """

    def copy(self, /) -> Rollout:
        """
        Another one that goes on from the same state.
        """

    @property
    def ended(self, /) -> bool:
        """
        Whether nothing comes any more.
        """

    def fleet(self, /, service: str) -> Fleet | None:
        """
        The fleet of a service, as far as events tell.
        """

    def next(self, /) -> dict[str, Any]:
        """
        What is to be done now, `{"actions": […], "wake": …}`: everything that was asked for and that no event has answered yet,
        with the same key each time. Feed a `tick` at `wake` if nothing happens before.
        """

    def on(self, /, event: Mapping[str, Any]) -> None:
        """
        Tells it what happened. What changes nothing is ignored; what is no event raises.
        """

    @property
    def plan(self, /) -> Plan:
        """
        The plan that is executed: the one that it was started with, or the one made since for a resize or for going back.
        """

    def progress(self, /) -> dict[str, int]:
        """
        How far it is, in numbers.
        """

    @property
    def status(self, /) -> dict[str, Any]:
        """
        How far it is, `{"status": "running"}`.
        """

    def waits(self, /) -> list[dict[str, Any]]:
        """
        What waits, and what for: one of each kind.
        """
    __hash__: None  # type: ignore[assignment]

@final
class Rootfs:
    """
    A tree of files, as an image has it or as it was found.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __len__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @staticmethod
    def from_json_lines(lines: str | bytes | bytearray) -> Rootfs:
        """
        Reads it from JSON lines, as `castline tree --json` prints them.
        """

    def paths(self, /) -> list[bytes]:
        """
        The paths of all entries, in bytes, sorted; the root is the empty one.
        """

    def to_json_lines(self, /) -> bytes:
        """
        JSON lines, one for each entry, in the order of the paths.
        """

    def to_mtree(self, /) -> bytes:
        """
        The same as mtree(5).
        """

@final
class Scan:
    """
    What a scan found.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def bytes(self, /) -> int:
        """
        Bytes of files that were read.
        """

    @property
    def mounts(self, /) -> list[builtins.bytes]:
        """
        The paths, in bytes, where other filesystems are mounted: what is below them is not in the tree.
        """

    @staticmethod
    def of(rootfs: Rootfs) -> Scan:
        """
        A scan that found this tree, and read all of it.
        """

    @property
    def rootfs(self, /) -> Rootfs:
        """
        The tree that was found.
        """

    @property
    def unread(self, /) -> dict[builtins.bytes, str]:
        """
        What could not be read, by its path in bytes, and why. Where it is a folder, nothing below it need be in the tree either.
        """
    __hash__: None  # type: ignore[assignment]

@final
class Target:
    """
    What is to become of one service.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, fleet: Fleet, release: Release, policy: Policy | None=None) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def fleet(self, /) -> Fleet:
        """
        What runs.
        """

    @property
    def policy(self, /) -> Policy:
        """
        How it may get there.
        """

    @property
    def release(self, /) -> Release:
        """
        What should.
        """

@final
class Time:
    """
    A moment, in milliseconds; RFC 3339 as a text.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, text: str) -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    def __str__(self, /) -> str:
        ...

    @staticmethod
    def from_millis(millis: int) -> Time:
        """
        The moment so many milliseconds after 1970-01-01T00:00:00Z, of the years 0 to 9999.
        """

    @property
    def millis(self, /) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """

@final
class Timeline:
    """
    What a simulated rollout did, moment by moment. Times are milliseconds from its beginning.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Timeline:
        """
        Reads it from a mapping, named as in JSON.
        """

    @staticmethod
    def from_json(text: str | bytes | bytearray) -> Timeline:
        """
        Reads it from JSON, a text or bytes in UTF-8.
        """

    @property
    def makespan_millis(self, /) -> int:
        """
        When it ended.
        """

    @property
    def outcome(self, /) -> str:
        """
        How it ended.
        """

    def to_dict(self, /) -> dict[str, Any]:
        """
        Dictionaries, lists, texts and numbers, named as in JSON.
        """

    def to_json(self, /) -> str:
        """
        Its JSON.
        """

@final
class Verification:
    """
    What a verification yields: the report, and the images that may run.
    """

    def __repr__(self, /) -> str:
        ...

    @property
    def images(self, /) -> list[Image]:
        """
        The images of which every byte was checked and found right: the only ones that may run.
        """

    @property
    def report(self, /) -> Report:
        """
        What was found.
        """

@final
class Window:
    """
    When work may be begun: a schedule (five fields, as cron has them), a duration and a time zone.
    """

    def __eq__(self, value: object, /) -> bool:
        ...

    def __hash__(self, /) -> int:
        ...

    def __ne__(self, value: object, /) -> bool:
        ...

    def __new__(cls, /, schedule: str, duration_seconds: int, time_zone: str='UTC') -> Self:
        ...

    def __reduce__(self, /) -> tuple[Any, ...]:
        ...

    def __repr__(self, /) -> str:
        ...

    @property
    def duration_seconds(self, /) -> int:
        """
        For how many seconds it stays open.
        """

    def is_open(self, /, now: Time) -> bool:
        """
        Whether it is open at this moment.
        """

    def next_open(self, /, now: Time) -> Time | None:
        """
        When it opens next after this moment; none where it never does.
        """

    @property
    def schedule(self, /) -> str:
        """
        The schedule.
        """

    @property
    def time_zone(self, /) -> str:
        """
        The time zone of the schedule.
        """

def _codes() -> list[tuple[str, list[str]]]:
    """
    The codes of everything that can go wrong, by kind: for tests that each is known here.
    """

def bounds(plan: Plan, *targets: Target, world: Mapping[str, Any] | None=None) -> dict[str, int]:
    """
    How many waves a plan has, and the fewest that any plan could have.
    """

def build(description: Mapping[str, Any] | str | PathLike[str], to: Reference | str, *, folder: str | PathLike[str] | None=None, created: Time | str | None=None, compression: str | None=None, jobs: int | None=None, progress: Callable[[int, int, int, int], object] | None=None, cancel: Cancel | None=None) -> dict[str, Any]:
    """
    Builds the image that `description` describes, and stores it in `to`: an OCI layout (`oci:DIR:TAG`) or archive (`oci-archive:FILE`).
    The same inputs give the same bytes, on any number of cores and in every language. `description` is the path of a file in TOML,
    or its members as a dictionary, whose paths are relative to `folder`. Nothing reads a clock: `created` is 1970 unless it is
    said. Answers with what was built, as `castline build --json` prints it. Linux only.
    """

def check(plan: Plan, *targets: Target) -> dict[str, Any]:
    """
    Proves that a plan is safe and does what was asked for; returns the proof. Raises `ViolationError`.
    """

def compare(shipped: Rootfs, actual: Scan | Rootfs, *, profile: str | None=None, ignore: Sequence[str]=..., mounts: Sequence[str | PathLike[str]]=..., mtime: bool=False) -> DriftReport:
    """
    How what was found differs from what was shipped. `profile` is `docker`, `podman`, `kubernetes` or `none`; `ignore` has
    patterns for paths, `mounts` paths that something is mounted over on purpose.
    """

def explore(plan: Plan, *targets: Target, fallback: Sequence[Release]=..., states: int | None=None, faults: int | None=None) -> dict[str, Any]:
    """
    Executes a plan in every order in which things can happen, with so many faults anywhere; for small plans. Raises
    `ViolationError` with one of the shortest ways there.
    """

def import_aws(*documents: str | bytes) -> dict[str, Any]:
    """
    Fleets out of `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups`.
    """

def import_docker(*documents: str | bytes, zone: str | None=None) -> dict[str, Any]:
    """
    Fleets out of `docker inspect` or `podman inspect`.
    """

def import_kubernetes(*documents: str | bytes, namespace: str | None=None, container: str | None=None) -> dict[str, Any]:
    """
    Fleets and policies out of `kubectl get … -o json`: `{"services": {NAME: {"fleet": …, "policy": …}}, "notes": […]}`.
    """

def import_packer(manifest: str | bytes | bytearray, *, region: str | None=None, build: str | None=None) -> dict[str, Any]:
    """
    The one image that Packer's `manifest.json` has, as `{"provider": …, "id": …, "provenance": …}`.
    """

def inspect(image: Reference | str | PathLike[str], *, platform: Platform | str | None=None, cancel: Cancel | None=None) -> dict[str, Any]:
    """
    What `image` says that it holds: images, platforms, layers, names. Reads the documents and no layer.
    """

def plan(*targets: Target) -> Plan:
    """
    How these services get from what runs to what should. Raises `InfeasibleError`, with what is in conflict, before anything is
    touched.
    """

def scan(root: str | PathLike[str], *, progress: Callable[[int, int, int, int], object] | None=None, cancel: Cancel | None=None) -> Scan:
    """
    Reads a root filesystem as it is: a folder, or `/proc/PID/root`. Linux only.
    """

def simulate(plan: Plan, *targets: Target, fallback: Sequence[Release]=..., world: Mapping[str, Any] | None=None, at: Time | None=None) -> Timeline:
    """
    Executes a plan in a simulated world, whose members are as in JSON, e.g. `{"launchMillis": {"least": 5000, "most": 9000}}`.
    """

def tree(image: Reference | str | PathLike[str], *, platform: Platform | str | None=None, jobs: int | None=None, progress: Callable[[int, int, int, int], object] | None=None, cancel: Cancel | None=None) -> Rootfs:
    """
    The files of the one image that `image` names, verified on the way.
    """

def verify(image: Reference | str | PathLike[str], *, platform: Platform | str | None=None, unreferenced: bool=False, jobs: int | None=None, progress: Callable[[int, int, int, int], object] | None=None, cancel: Cancel | None=None) -> Verification:
    """
    Verifies the images that `image` names. Whatever is wrong with them is in the report; what is raised is that they could not
    be looked at.
    """
