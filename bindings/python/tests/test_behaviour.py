"""What the vectors cannot say: how values, errors, work and processes behave in Python."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import castline
import pytest
from castline import errors
from castline._castline import _codes

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"


def example() -> tuple[castline.Plan, castline.Target]:
    fleet = castline.Fleet("web", [castline.Instance(f"w{n}", image="ami-1") for n in range(3)])
    release = castline.Release.of_provider_image(
        "web", provider="aws", id="ami-2", provenance={"builder": "packer"}, replicas=3
    )
    target = castline.Target(fleet, release, castline.Policy(budgets=[{"maxUnavailable": 1, "maxSurge": 0}]))
    return castline.plan(target), target


def layout(folder: Path, size: int) -> str:
    """An image of one layer with so many bytes, which are zeros."""
    import hashlib
    import io
    import json
    import tarfile

    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(raw: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(raw).hexdigest()
        (blobs / digest).write_bytes(raw)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(raw)}

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        info = tarfile.TarInfo("zeros")
        info.size = size
        archive.addfile(info, io.BytesIO(bytes(size)))
    one = blob(layer.getvalue(), "layer.v1.tar")
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [one["digest"]]}}
    described = blob(json.dumps(config).encode(), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    manifest |= {"config": described, "layers": [one]}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{folder}"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return layout(tmp_path_factory.mktemp("large"), 512 << 20)


def test_values_are_immutable_equal_hashable_and_picklable() -> None:
    plan, target = example()
    values: list[Any] = [
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
        plan,
        castline.simulate(plan, target),
        castline.Ledger().append(castline.Time.from_millis(0), "ann", {"kind": "note", "text": "hello"}),
    ]
    for value in values:
        again = pickle.loads(pickle.dumps(value))
        assert again == value and hash(again) == hash(value), value
        assert value != 1 and not value == None, value  # noqa: E711
        assert copy.copy(value) == value
        assert type(value).__name__ in repr(value)
        with pytest.raises(AttributeError):
            value.anything = 1
    again = pickle.loads(pickle.dumps(target))
    assert again == target


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


@pytest.mark.parametrize("wrong", [None, 1, 1.5, [], {}, object(), "\ud800", b"\xff"])
def test_wrong_types_raise_and_nothing_else(wrong: Any) -> None:
    plan, target = example()
    calls: list[Any] = [
        lambda: castline.Digest(wrong),
        lambda: castline.verify(wrong),
        lambda: castline.Fleet("web", [wrong]),
        lambda: castline.Fleet.from_json(wrong),
        lambda: castline.Plan.from_dict(wrong),
        lambda: castline.plan(wrong),
        lambda: castline.check(wrong, target),
        lambda: castline.Rollout(plan, target, at=wrong),
        lambda: castline.Ledger().append(castline.Time.from_millis(0), "ann", wrong),
        lambda: castline.compare(wrong, wrong),
        lambda: castline.import_kubernetes(wrong),
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError, OSError, castline.CastlineError)):
            call()


def test_deep_and_huge_documents_are_refused() -> None:
    with pytest.raises(errors.InvalidDocumentError):
        castline.Fleet.from_json("[" * 100_000)
    with pytest.raises(errors.InvalidDocumentError):
        castline.Policy(budgets=[{"maxUnavailable": 10**30}])
    with pytest.raises(OverflowError):
        castline.Amount("1").of(2**64)


def test_work_is_cancelled_from_another_thread(large: str) -> None:
    cancel = castline.Cancel()
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(castline.OperationCancelledError):
        castline.verify(large, cancel=cancel, jobs=1)
    assert cancel.cancelled


def test_what_a_callback_raises_stops_the_work(large: str) -> None:
    class Enough(Exception):
        pass

    def progress(*_: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        castline.verify(large, progress=progress)


def test_progress_goes_up_to_the_end(large: str) -> None:
    seen: list[tuple[int, int, int, int]] = []
    report = castline.verify(large, progress=lambda *now: seen.append(now)).report
    assert report.complete, report
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] == report.bytes


def test_other_threads_run_meanwhile(large: str) -> None:
    """Threads of Python get on while an image is verified: it holds no lock."""
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            time.sleep(0.005)
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    castline.verify(large)
    done.set()
    thread.join()
    assert ticks > 3


def test_interrupts_stop_the_work(large: str) -> None:
    # Whoever runs the tests in the background has them ignore the signal, and Python then leaves it so.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    work = f"castline.verify({large!r}, progress=lambda *_: print('now', flush=True), jobs=1)"
    code = f"{listen}; import castline; {work}"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "now\n"
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in told and child.returncode != 0, told


def test_a_forked_child_can_verify() -> None:
    image = f"oci:{min((VECTORS / 'layouts').iterdir())}"
    before = castline.verify(image).report
    child = os.fork()
    if child == 0:
        os._exit(0 if castline.verify(image).report == before else 1)
    assert os.waitpid(child, 0)[1] == 0


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


def test_reports_are_no_truth_values_and_draw_themselves() -> None:
    plan, target = example()
    report = castline.verify(f"oci:{min((VECTORS / 'layouts').iterdir())}").report
    with pytest.raises(TypeError):
        bool(report)
    assert "<table>" in report._repr_html_() and plan._repr_html_().startswith("<svg")
    assert plan.to_html(castline.simulate(plan, target)).startswith("<!doctype html>")


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
