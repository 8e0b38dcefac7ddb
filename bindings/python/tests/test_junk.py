"""Every function and method with arguments that make no sense: an exception of the usual kinds, never a crash, a panic or a hang."""

from __future__ import annotations

import inspect
import math
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import castline
import pytest
from samples import VECTORS, example, ledger, small


class Hostile:
    """Raises whatever is asked of it."""

    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("hostile")

    __index__ = __iter__ = __len__ = __fspath__ = __str__ = __getitem__ = __eq__ = __bool__ = refuse

    __hash__ = None  # type: ignore[assignment]


def junk() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"deep": deep}
    return [
        None, True, 0, -1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1, 1 << 64, 1 << 200, 1.5, math.nan, math.inf, 1j,
        "", "x", "\0", "\ud800", "x" * 100_000, "oci:", "../nowhere", b"", b"\xff", b"[" * 100_000, bytearray(b"{}"), memoryview(b"{}"),
        (), [], [1], ["x"], {}, {"a": 1}, {1: 1}, {"type": "tick"}, set(), range(10), endless, loop, deep,
        object(), object, len, print, Hostile(), Hostile, castline, castline.Digest.of(b""), castline.Cancel(),
    ]  # fmt: skip


# Removed when the interpreter ends.
PLACE = tempfile.TemporaryDirectory()


def good() -> dict[str, Any]:
    """What fits, by the names of parameters."""
    plan, target = example()
    return {
        "plan": plan,
        "targets": target,
        "fleet": target.fleet,
        "release": target.release,
        "policy": target.policy,
        "service": "web",
        "id": "w1",
        "text": "1",
        "at": castline.Time.from_millis(0),
        "now": castline.Time.from_millis(0),
        "actor": "ann",
        "record": {"kind": "note", "text": "x"},
        "image": small(),
        "root": VECTORS / "layouts",
        "provider": "aws",
        "provenance": {},
        "replicas": 3,
        "total": 3,
        "millis": 3,
        "keep": 3,
        "bytes": b"",
        "schedule": "0 2 * * *",
        "duration_seconds": 60,
        "instances": target.fleet.instances,
        "digest": target.fleet.digest,
        "failed": target.release,
        "lines": b"",
        "manifest": b"{}",
        "description": {"platforms": ["linux/amd64"]},
        "to": f"oci-archive:{PLACE.name}/image.tar",
        "documents": b"{}",
        "rootfs": castline.Rootfs.from_json_lines(b""),
        "shipped": castline.Rootfs.from_json_lines(b""),
        "actual": castline.Rootfs.from_json_lines(b""),
        "value": {},
        "event": {"type": "tick", "at": "2026-01-01T00:00:00Z"},
        "key": "w1",
        "other": None,
        "_memo": {},
    }


JUNK = junk()
FITS = good()


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    plan, target = example()
    run = castline.Rollout(plan, target, at=castline.Time.from_millis(0))
    verification = castline.verify(small())
    values = [
        *[target, target.fleet, target.release, target.policy, target.release.revision, target.fleet.instances[0]],
        *[plan, castline.simulate(plan, target), run, ledger(), verification, verification.report],
        *[castline.Digest.of(b""), castline.Platform("linux/amd64"), castline.Reference("oci:x"), castline.Amount("1")],
        *[castline.Time.from_millis(0), castline.Window("* * * * *", 60), castline.Cancel()],
        *[castline.Rootfs.from_json_lines(b""), castline.Scan.of(castline.Rootfs.from_json_lines(b""))],
        castline.compare(FITS["shipped"], FITS["actual"]),
    ]
    for name in castline.__all__:
        # Errors are classes of Python's own, and what one of them is made with is not castline's to say.
        if not name.endswith("Error") and callable(one := getattr(castline, name)):
            yield name, one
    for value in values:
        for name in dir(value):
            kind = getattr(type(value), name)
            if callable(kind) and name in vars(type(value)) and name != "__new__":
                yield f"{type(value).__name__}.{name}", getattr(value, name)


def parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(call).parameters.values())
    except ValueError:
        # Slots of the interpreter, such as `__eq__`, do not say theirs.
        return [inspect.Parameter("other", inspect.Parameter.POSITIONAL_ONLY)]


def arguments(own: list[inspect.Parameter], spoilt: inspect.Parameter, wrong: Any) -> tuple[list[Any], dict[str, Any]]:
    """What fits everywhere but for one parameter."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for one in own:
        if one is not spoilt and (one.default is not one.empty or one.kind is one.VAR_KEYWORD):
            continue
        value = wrong if one is spoilt else FITS[one.name]
        if one.kind is one.VAR_KEYWORD:
            named["member"] = value
        elif one.kind is one.KEYWORD_ONLY or (one is spoilt and one.default is not one.empty):
            named[one.name] = value
        else:
            positional.append(value)
    return positional, named


@pytest.mark.parametrize(("name", "call"), [pytest.param(*one, id=one[0]) for one in callables()])
def test_junk_raises_or_is_answered(name: str, call: Callable[..., Any]) -> None:
    own = parameters(call)
    refused = 0
    for spoilt in own:
        for wrong in JUNK:
            positional, named = arguments(own, spoilt, wrong)
            try:
                call(*positional, **named)
            except SystemError as error:
                raise AssertionError(f"{name}({spoilt.name}={str(type(wrong))})") from error
            except (castline.CastlineError, TypeError, ValueError, OSError, OverflowError, RuntimeError, MemoryError):
                refused += 1
    # Comparing answers whatever it is asked; who takes nothing cannot be asked wrongly.
    assert refused or not own or name.rsplit(".", 1)[-1] in ("__contains__", "__eq__", "__ne__", "__deepcopy__", "__lt__", "__le__", "__gt__", "__ge__"), name


@pytest.mark.parametrize(("name", "call"), [pytest.param(*one, id=one[0]) for one in callables()])
def test_too_many_arguments_are_refused(name: str, call: Callable[..., Any]) -> None:
    own = parameters(call)
    if not any(one.kind is one.VAR_POSITIONAL for one in own):
        with pytest.raises(TypeError):
            call(*[None] * (len(own) + 1))
    if not any(one.kind is one.VAR_KEYWORD for one in own):
        with pytest.raises(TypeError):
            call(nothing_is_called_so=1)
