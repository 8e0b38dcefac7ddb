"""Values: immutable, equal and hashed by what they say, copied as themselves, read back from what they are written as."""

from __future__ import annotations

import copy
import json
import pickle
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import castline
import pytest
from samples import example, ledger, small

DRIFTED = castline.compare(
    castline.Rootfs.from_json_lines(b""),
    castline.Rootfs.from_json_lines(b'{"path":"","type":"directory","mode":"0755","uid":0,"gid":0,"mtime":0}\n'),
)


def values() -> list[Any]:
    plan, target = example()
    return [
        castline.Digest.of(b""),
        castline.Platform("linux/arm64/v8"),
        castline.Reference("oci:dir:tag"),
        castline.Time("2026-01-01T00:00:00Z"),
        castline.Amount("25% up"),
        castline.Window("0 2 * * *", 3600, "Europe/Berlin"),
        target.release.revision,
        target.fleet.instances[0],
        target.fleet,
        target.release,
        target.policy,
        target,
        plan,
        castline.simulate(plan, target),
        ledger(),
        castline.verify(small()).report,
        castline.tree(small()),
        DRIFTED,
    ]


def named(value: Any) -> str:
    return type(value).__name__


@pytest.mark.parametrize("value", values(), ids=named)
def test_a_value_is_what_it_says(value: Any) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert type(again) is type(value) and again == value and hash(again) == hash(value)
    assert copy.copy(value) == copy.deepcopy(value) == value
    assert len({value, copy.copy(value)}) == 1
    assert value != 1 and not value == None and not value == object()  # noqa: E711
    assert named(value) in repr(value)


@pytest.mark.parametrize("value", values(), ids=named)
def test_a_value_does_not_change(value: Any) -> None:
    with pytest.raises(AttributeError):
        value.anything = 1
    for name in dir(value):
        if not name.startswith("_"):
            with pytest.raises(AttributeError):
                setattr(value, name, 1)
    with pytest.raises(TypeError):
        type("Derived", (type(value),), {})


@pytest.mark.parametrize("value", [one for one in values() if hasattr(one, "to_dict")], ids=named)
def test_a_value_is_read_from_each_of_its_forms(value: Any) -> None:
    kind = type(value)
    assert kind.from_json(value.to_json()) == value
    assert kind.from_json(value.to_json().encode()) == value
    assert kind.from_dict(value.to_dict()) == value
    assert json.loads(value.to_json()) == value.to_dict()
    if hasattr(value, "to_canonical"):
        assert kind.from_json(value.to_canonical()) == value
        assert castline.Digest.of(value.to_canonical()) == value.digest
    value.to_dict().clear()
    assert value.to_dict()


@pytest.mark.parametrize(
    "value",
    [castline.Digest.of(b""), castline.Platform("linux/arm64/v8"), castline.Reference("oci:dir:tag"), castline.Amount("25% up")]
    + [castline.Time("2026-01-01T00:00:00Z"), example()[1].release.revision],
    ids=named,
)
def test_a_value_that_is_a_text_is_made_of_it(value: Any) -> None:
    assert type(value)(str(value)) == value and eval(repr(value), vars(castline)) == value


def test_results_are_equal_but_stay_where_they_are() -> None:
    """A verified image says that its bytes were checked: that cannot be had by reading it from somewhere."""
    [image] = castline.verify(small()).images
    [same] = castline.verify(small()).images
    assert image == same and hash(image) == hash(same)
    assert copy.copy(image) is image and copy.deepcopy([image])[0] is image
    scan = castline.Scan.of(castline.tree(small()))
    assert scan == castline.Scan.of(scan.rootfs) and not scan.unread and not scan.mounts and scan.bytes == 0
    for value in [image, castline.verify(small()), scan, castline.Cancel()]:
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(value)
    with pytest.raises(TypeError):
        castline.Image()


def test_a_rollout_is_copied_and_goes_its_own_way() -> None:
    plan, target = example()
    run = castline.Rollout(plan, target, at=castline.Time.from_millis(0))
    for other in [run.copy(), copy.copy(run), copy.deepcopy(run)]:
        assert other == run
        other.on({"type": "tick", "at": "2026-01-01T00:00:00Z"})
        assert other != run and run.clock == castline.Time.from_millis(0)
    with pytest.raises(TypeError):
        hash(run)
    with pytest.raises(TypeError):
        pickle.dumps(run)


def test_whatever_is_iterable_or_a_mapping_will_do() -> None:
    def instances() -> Iterator[castline.Instance]:
        for number in range(3):
            yield castline.Instance(f"w{number}", labels=MappingProxyType({"a": "b"}))

    fleet = castline.Fleet("web", instances())
    assert fleet == castline.Fleet("web", set(fleet)) == castline.Fleet("web", tuple(reversed(fleet.instances)))
    assert fleet.instances[0].labels == {"a": "b"} and "w1" in fleet and "x" not in fleet and len(fleet) == 3
    assert fleet.get("x") is None and fleet.get("w1") == fleet.instances[1]


class Named(UserDict[str, Any]):
    """Some mapping."""


def test_documents_are_read_from_any_mapping_and_sequence_and_from_castlines_values() -> None:
    _, target = example()
    at, revision = castline.Time.from_millis(5), target.release.revision
    plain: dict[str, Any] = {"service": "web", "instances": [{"id": "a", "createdAt": str(at), "revision": str(revision), "labels": {"a": "b"}}]}
    instance = castline.Instance("a", created_at=at, revision=revision, labels={"a": "b"})
    for given in [
        MappingProxyType(plain),
        Named(plain),
        ChainMap({"service": "web"}, plain),
        plain | {"instances": deque(plain["instances"])},
        plain | {"instances": UserList([instance])},
        plain | {"instances": (MappingProxyType({"id": "a", "createdAt": at, "revision": revision, "labels": Named(a="b")}),)},
        castline.Fleet("web", [instance]),
    ]:
        assert castline.Fleet.from_dict(given) == castline.Fleet("web", [instance])  # type: ignore[arg-type]
    window = castline.Window("0 2 * * *", 3600, "Europe/Berlin")
    budget = {"maxSurge": castline.Amount("25% up"), "maxUnavailable": 0}
    policy = castline.Policy(windows=(window,), budgets=deque([budget]))
    assert policy.to_dict()["windows"] == [{"schedule": "0 2 * * *", "durationSeconds": 3600, "timeZone": "Europe/Berlin"}]
    assert castline.Policy.from_dict(Named(policy.to_dict())) == policy
    plan, target = example()
    run = castline.Rollout(plan, target, at=castline.Time.from_millis(0))
    run.on(MappingProxyType({"type": "observed", "at": at, "fleet": target.fleet}))
    assert run.clock == at
    entry = castline.Ledger().append(at, "ann", Named(kind="note", text="x")).entries()[0]
    assert entry["record"] == {"kind": "note", "text": "x"}


def test_what_has_no_form_in_json_is_refused() -> None:
    for member in [b"raw", bytearray(b"raw"), memoryview(b"raw"), {1, 2}, object(), castline.Cancel(), iter([])]:
        with pytest.raises(TypeError, match=type(member).__name__):
            castline.Fleet.from_dict({"service": "web", "instances": member})
    endless = Named()
    endless["endless"] = endless
    with pytest.raises(ValueError):
        castline.Fleet.from_dict(endless)


def test_an_instance_is_in_a_fleet_by_its_id_or_by_all_that_it_says() -> None:
    one = castline.Instance("w0", zone="a")
    fleet = castline.Fleet("web", [one, castline.Instance("w1")])
    assert "w0" in fleet and one in fleet and castline.Instance("w0", zone="a") in fleet
    assert castline.Instance("w0", zone="b") not in fleet and castline.Instance("w2") not in fleet
    for other in ["w2", "", 5, None, object(), [], b"w0", fleet, "\ud800"]:
        assert other not in fleet


def test_an_instance_without_an_id_is_none() -> None:
    makes: list[Callable[[], castline.Instance]] = [
        lambda: castline.Instance(""),
        lambda: castline.Instance.from_dict({"id": ""}),
        lambda: castline.Instance.from_json('{"id": ""}'),
    ]
    for make in makes:
        with pytest.raises(castline.errors.InvalidDocumentError, match="an instance has no id"):
            make()


def test_a_moment_is_of_a_year_with_four_digits() -> None:
    last = castline.Time("9999-12-31T23:59:59.999Z")
    assert castline.Time.from_millis(last.millis) == last and castline.Time.from_millis(-62_167_219_200_000)
    for millis in (last.millis + 1, 2**63 - 1, -62_167_219_200_001, -(2**63)):
        with pytest.raises(castline.errors.InvalidTimeError, match=str(millis)):
            castline.Time.from_millis(millis)


def test_an_instance_is_what_its_keywords_say() -> None:
    revision = example()[1].release.revision
    at = castline.Time.from_millis(1)
    instance = castline.Instance(
        "i", image="a", revision=revision, zone="z", slot="0", phase="pending", health="notReady",
        integrity="intact", created_at=at, ready_at=at, deletion_cost=-3, labels={"a": "b"},
    )  # fmt: skip
    assert instance.to_dict() == {
        "id": "i", "image": "a", "revision": str(revision), "zone": "z", "slot": "0", "phase": "pending", "health": "notReady",
        "integrity": "intact", "createdAt": str(at), "readyAt": str(at), "deletionCost": -3, "labels": {"a": "b"},
    }  # fmt: skip
    read = (instance.id, instance.image, instance.revision, instance.zone, instance.slot)
    assert read == ("i", "a", revision, "z", "0")
    assert (instance.phase, instance.health, instance.integrity) == ("pending", "notReady", "intact")
    assert (instance.created_at, instance.ready_at, instance.deletion_cost) == (at, at, -3)
    bare = castline.Instance("i")
    assert (bare.created_at, bare.ready_at, bare.deletion_cost) == (None, None, 0)
    with pytest.raises(castline.errors.InvalidDocumentError, match="phase"):
        castline.Instance("i", phase="asleep")


def test_notebooks_show_what_the_page_for_people_has() -> None:
    plan, target = example()
    timeline = castline.simulate(plan, target)
    assert plan._repr_html_() == plan.to_svg() and plan.to_svg(timeline) != plan.to_svg()
    assert plan.to_svg().startswith("<svg") and plan.to_html(timeline).startswith("<!doctype html>")
    report = castline.verify(small()).report
    assert report._repr_html_().endswith("</table>") and "<p>" in DRIFTED._repr_html_()
    assert DRIFTED.findings[0]["code"] in DRIFTED._repr_html_()
    # What an image says is not markup.
    said = report.to_dict()
    said["findings"] = [{"code": "index-missing", "level": "error", "message": "<script>"}]
    assert "<script>" not in castline.Report.from_dict(said)._repr_html_()
