"""What the vectors cannot say: how values, errors, work and processes behave in Python."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import castline
import pytest
from castline import errors
from castline._castline import _codes
from samples import VECTORS, example, small

def test_every_code_has_its_class() -> None:
    codes = dict(_codes())
    assert set(codes["error"]) == set(errors._BY_CODE)
    assert all(len(names) == len(set(names)) > 3 for names in codes.values())


def test_errors_say_what_and_where() -> None:
    with pytest.raises(errors.InvalidDigestError, match="sha256:x") as caught:
        castline.Digest("sha256:x")
    assert caught.value.code == "INVALID_DIGEST" and isinstance(caught.value, ValueError)
    with pytest.raises(errors.InvalidDocumentError, match="line 1 column"):
        castline.Policy.from_json('{"budget": []}')
    with pytest.raises(errors.InvalidDocumentError, match="budget"):
        castline.Policy(budget=[])
    with pytest.raises(errors.InvalidDocumentError, match=r"strategy\.canary: invalid type"):
        castline.Policy(strategy={"canary": {}})
    with pytest.raises(errors.InvalidDocumentError, match=r"budgets\[0\]: invalid type: sequence, expected an object"):
        castline.Policy(budgets=[[0, 1]])
    with pytest.raises(errors.SourceError, match="nowhere"):
        castline.verify("oci:/nowhere/at/all")
    plan, target = example()
    with pytest.raises(errors.InvalidDocumentError, match="event"):
        castline.Rollout(plan, target, at=castline.Time.from_millis(0)).on({"type": "nothing"})
    with pytest.raises(castline.InfeasibleError) as infeasible:
        castline.plan(
            castline.Target(
                target.fleet, target.release, castline.Policy(budgets=[{"maxUnavailable": 0, "maxSurge": 0}])
            )
        )
    assert infeasible.value.code == "budgets-in-conflict" and infeasible.value.conflict[0]["name"]
    changed = plan.to_dict()
    changed["limits"][0]["floor"] = 0
    with pytest.raises(castline.ViolationError) as violation:
        castline.check(castline.Plan.from_dict(changed), target)
    assert violation.value.code == "limit-too-lax"
    broken = pickle.loads(pickle.dumps(violation.value))
    assert broken.code == violation.value.code and str(broken) == str(violation.value)


def test_what_the_system_refuses_is_an_error_of_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    calls: list[tuple[type[errors.SourceError], int, str, Callable[[], object]]] = [
        (errors.SourceNotFoundError, errno.ENOENT, "/nowhere/at/all", lambda: castline.verify("oci:/nowhere/at/all")),
        (errors.SourceNotFoundError, errno.ENOENT, "/nowhere/at/all", lambda: castline.tree("oci-archive:/nowhere/at/all")),
        (errors.SourceNotFoundError, errno.ENOENT, "/nowhere/at/all", lambda: castline.scan("/nowhere/at/all")),
        (errors.SourceError, errno.ENOTDIR, str(file), lambda: castline.inspect(f"oci:{file}")),
    ]
    for kind, number, name, call in calls:
        with pytest.raises(errors.SourceError) as caught:
            call()
        error = caught.value
        assert type(error) is kind and error.code == "IO" and name in str(error)
        assert (error.errno, error.filename, error.strerror) == (number, name, os.strerror(number))
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.errno, again.filename) == (kind, str(error), number, name)
    assert issubclass(errors.SourceNotFoundError, FileNotFoundError)
    denied = errors._of_system("x", (errno.EACCES, "x"))
    assert isinstance(denied, PermissionError) and isinstance(denied, errors.SourceDeniedError)
    plain = errors._of_system("x", None)
    assert (type(plain), str(plain), plain.errno) == (errors.SourceError, "x", None)


def test_arguments_of_a_wrong_type_are_told_what_is_expected() -> None:
    rootfs: Any = castline.Rootfs.from_json_lines(b"")
    wrong: Any = 5
    calls: list[tuple[str, Callable[[], object]]] = [
        ("a Reference, its text (str) or a path (os.PathLike)", lambda: castline.verify(wrong)),
        ('platform: a Platform, its text (str) or "all"', lambda: castline.verify(small(), platform=wrong)),
        ("a str, bytes or bytearray", lambda: castline.Fleet.from_json(wrong)),
        ("a str, bytes or bytearray", lambda: castline.import_docker(b"[]", wrong)),
        ("a Scan or a Rootfs", lambda: castline.compare(rootfs, wrong)),
    ]
    for expected, call in calls:
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == f"{expected} is expected, not int"


def test_deep_and_huge_documents_are_refused() -> None:
    with pytest.raises(errors.InvalidDocumentError):
        castline.Fleet.from_json("[" * 100_000)
    with pytest.raises(errors.InvalidDocumentError):
        castline.Policy(budgets=[{"maxUnavailable": 10**30}])
    with pytest.raises(OverflowError):
        castline.Amount("1").of(2**64)


@pytest.mark.parametrize("replicas", [2_000_000, 10_000_000])
def test_more_replicas_than_anybody_has_are_refused(replicas: int) -> None:
    _, target = example()
    with pytest.raises(castline.InfeasibleError) as infeasible:
        castline.plan(castline.Target(target.fleet, target.release.with_replicas(replicas), target.policy))
    assert infeasible.value.code == "too-many-replicas"


def test_a_release_that_nobody_could_read_is_none() -> None:
    _, target = example()
    for replicas in (10_000_001, 2**64 - 1):
        with pytest.raises(errors.InvalidDocumentError):
            target.release.with_replicas(replicas)
    most = target.release.with_replicas(10_000_000)
    assert castline.Release.from_json(most.to_json()) == most


def test_work_is_cancelled_from_another_thread(large: str) -> None:
    cancel = castline.Cancel()
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(castline.OperationCancelledError):
        castline.verify(large, cancel=cancel, jobs=1)
    assert cancel.cancelled


def test_work_that_was_cancelled_before_does_not_begin(large: str) -> None:
    cancel = castline.Cancel()
    cancel.cancel()
    calls: list[Any] = [
        lambda: castline.verify(large, cancel=cancel),
        lambda: castline.tree(large, cancel=cancel),
        lambda: castline.inspect(large, cancel=cancel),
        lambda: castline.scan(VECTORS, cancel=cancel),
    ]
    for call in calls:
        with pytest.raises(castline.OperationCancelledError):
            call()


def test_a_tree_and_a_scan_are_cancelled_on_the_way(large: str) -> None:
    works: list[Callable[[castline.Cancel], object]] = [
        lambda cancel: castline.tree(large, cancel=cancel, jobs=1),
        lambda cancel: castline.scan(large.removeprefix("oci:"), cancel=cancel),
    ]
    for work in works:
        cancel = castline.Cancel()
        threading.Timer(0.05, cancel.cancel).start()
        with pytest.raises(castline.OperationCancelledError):
            work(cancel)


def test_what_a_callback_raises_stops_the_work(large: str) -> None:
    class Enough(Exception):
        pass

    def progress(*_: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        castline.verify(large, progress=progress)


def test_progress_is_not_awaited_and_says_so(large: str) -> None:
    async def progress(*_: int) -> None:
        pass

    with pytest.raises(TypeError, match="async"):
        castline.verify(large, progress=progress)


def test_progress_goes_up_to_the_end(large: str) -> None:
    seen: list[tuple[int, int, int, int]] = []
    report = castline.verify(large, progress=lambda *now: seen.append(now)).report
    assert report.complete, report
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] == report.bytes


def test_a_rollout_is_the_same_from_its_journal() -> None:
    plan, target = example()
    start = castline.Time.from_millis(0)
    run = castline.Rollout(plan, target, at=start)
    journal: list[dict[str, Any]] = []
    for second in range(100):
        if run.ended:
            break
        action = run.next()["actions"][0]
        at = str(castline.Time.from_millis(1000 * second))
        if action["type"] == "launch":
            events = [
                {"type": "launched", "key": action["key"], "instance": f"n{second}"},
                {"type": "ready", "instance": f"n{second}"},
            ]
        else:
            events = [{"type": "gone", "instance": action["instance"]}]
        for event in events:
            journal.append({"at": at, **event})
            run.on(journal[-1])
    assert run.status == {"status": "succeeded"}
    again = castline.Rollout(plan, target, at=start)
    for event in journal:
        again.on(event)
    assert again == run and run.copy() == run
    fleet = run.fleet("web")
    assert fleet is not None
    assert castline.plan(castline.Target(fleet, target.release, target.policy)).empty


def test_reports_are_no_truth_values() -> None:
    for report in [castline.verify(small()).report, castline.compare(castline.tree(small()), castline.tree(small()))]:
        with pytest.raises(TypeError, match="say what you mean"):
            bool(report)


def test_nothing_leaks_over_many_calls() -> None:
    plan, target = example()
    text = target.fleet.to_json()

    def work(times: int) -> None:
        for _ in range(times):
            castline.Fleet.from_json(text)
            hash(plan)
            castline.Digest.of(b"abc")
            try:
                castline.Digest("wrong")
            except castline.CastlineError:
                pass

    work(5_000)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work(25_000)
    gc.collect()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8 << 10, f"{grown} KiB more after 100,000 more calls"
