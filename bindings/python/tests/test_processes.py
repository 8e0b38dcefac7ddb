"""Threads, forks, interpreters and the lock."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import castline
import pytest
from castline import _castline
from samples import example, small


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


def test_threads_share_values() -> None:
    plan, target = example()
    run = castline.Rollout(plan, target, at=castline.Time.from_millis(0))
    expected = castline.verify(small()).report
    begin = threading.Barrier(8)

    def work(number: int) -> None:
        begin.wait()
        for turn in range(30):
            assert castline.verify(small(), jobs=1 + number % 3).report == expected
            assert castline.plan(target) == plan and hash(plan) == hash(castline.plan(target))
            run.on({"type": "tick", "at": str(castline.Time.from_millis(number * 100 + turn))})
            mine = run.copy()
            assert mine == mine.copy() and run.next()["actions"]
            assert [one.id for one in target.fleet] == ["w0", "w1", "w2"]

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work, number) for number in range(8)]:
            done.result()


def test_one_cancel_stops_all_who_share_it(large: str) -> None:
    cancel = castline.Cancel()

    def work(_: int) -> type[BaseException] | None:
        try:
            castline.verify(large, cancel=cancel, jobs=1)
        except castline.OperationCancelledError as error:
            return type(error)
        return None

    threading.Timer(0.05, cancel.cancel).start()
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(work, range(4))) == {castline.OperationCancelledError}


def test_a_forked_child_can_verify() -> None:
    before = castline.verify(small()).report
    child = os.fork()
    if child == 0:
        os._exit(0 if castline.verify(small()).report == before else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_child_that_is_forked_while_others_verify_can_verify(large: str) -> None:
    expected = castline.verify(small()).report
    cancel = castline.Cancel()
    busy = threading.Event()

    def work() -> None:
        with pytest.raises(castline.OperationCancelledError):
            castline.verify(large, jobs=2, cancel=cancel, progress=lambda *_: busy.set())

    thread = threading.Thread(target=work)
    thread.start()
    busy.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if castline.verify(small()).report == expected else 1)
    cancel.cancel()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def report_of(image: str) -> castline.Report:
    return castline.verify(image).report


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes_hand_values_over(method: str) -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as processes:
        assert list(processes.map(report_of, [small()] * 4)) == [report_of(small())] * 4


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


def test_another_interpreter_of_the_process_is_refused_in_words() -> None:
    """A second one would get exceptions of the first one's classes, which it cannot catch by name."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    interpreters: Any = importlib.import_module(name)
    other = interpreters.create()
    path = f"import sys; sys.path[:] = {sys.path!r}\n"
    refused = "try:\n    import castline\nexcept ImportError as error:\n    assert 'subinterpreters' in str(error), error\nelse:\n    raise SystemError\n"
    interpreters.run_string(other, path + refused)
    interpreters.destroy(other)
    assert castline.verify(small())


def test_the_wheel_is_of_the_stable_abi_which_has_the_lock() -> None:
    """A build without the lock cannot load it: there is no stable ABI for that. The README says so."""
    assert _castline.__file__.endswith(".abi3.so")
    assert not sysconfig.get_config_var("Py_GIL_DISABLED")


# Scripts that end while threads that nobody waits for are in calls: `work` is what these do for ever.
DAEMONS = {
    "verify": "castline.verify(image)",
    "inspect": "castline.inspect(image)",
    "progress": "castline.verify(image, progress=lambda *now: sum(range(1000)))",
    "to_dict": "fleet.to_dict()",
    "from_dict": "castline.Fleet.from_dict(document)",
    "hash": "hash(fleet)",
    "instances": "castline.Fleet('web', (one for one in fleet))",
    "error": "castline.verify('oci:/nowhere/at/all')",
}


@pytest.mark.parametrize("work", DAEMONS.values(), ids=DAEMONS.keys())
def test_a_script_ends_while_its_daemons_are_in_calls(work: str) -> None:
    """An interpreter before 3.14 ends their threads by unwinding them, which none may be told of in the middle of a call."""
    code = f"""
import threading, castline
image = {small()!r}
fleet = castline.Fleet("web", [castline.Instance(f"w{{n}}", labels={{"a": "b"}}) for n in range(500)])
document = fleet.to_dict()
begun = threading.Barrier(5)
def loop():
    begun.wait()
    while True:
        try:
            {work}
        except castline.CastlineError:
            pass
for _ in range(4):
    threading.Thread(target=loop, daemon=True).start()
begun.wait()
{work.replace("castline.verify('oci:/nowhere/at/all')", "castline.inspect(image)")}
"""
    for _ in range(25):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def ended(code: str) -> str:
    """What a script prints that ends well."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_who_is_joined_at_exit_comes_out_of_its_call(large: str) -> None:
    """Also by a handler that was registered before castline's, and so runs after it."""
    code = f"""
import atexit, threading
def join():
    thread.join()
    print("joined")
atexit.register(join)
import castline
begun = threading.Event()
def work():
    castline.verify({large!r}, jobs=1, progress=lambda *_: begun.set())
    raise SystemError("it was to be stopped")
thread = threading.Thread(target=work, daemon=True)
thread.start()
begun.wait()
"""
    assert ended(code) == "joined\n"


def test_the_thread_that_ends_the_interpreter_may_go_on_to_the_last() -> None:
    code = f"""
import atexit
atexit.register(lambda: print(castline.verify({small()!r}).report.intact, len(castline.Fleet("web", []).to_dict())))
import castline
"""
    assert ended(code) == "True 2\n"


@pytest.mark.parametrize("inside", [False, True], ids=["by another thread", "in a callback"])
def test_a_forked_child_ends_while_its_parent_has_threads_in_calls(large: str, inside: bool) -> None:
    """Those threads are not in the child, which waits for none of them."""
    code = f"""
import os, sys, threading, time, castline
def fork():
    child = os.fork()
    if child == 0:
        begun = time.monotonic()
        assert castline.verify({small()!r}).report.intact
        import atexit
        atexit._run_exitfuncs()
        assert castline.verify({small()!r}).report.intact
        os._exit(0 if time.monotonic() - begun < 9 else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
begun, cancel = threading.Event(), castline.Cancel()
def progress(*_):
    if {inside} and not begun.is_set():
        fork()
    begun.set()
def work():
    try:
        castline.verify({large!r}, jobs=1, cancel=cancel, progress=progress)
    except castline.OperationCancelledError:
        pass
threads = [threading.Thread(target=work) for _ in range(1 if {inside} else 3)]
for thread in threads:
    thread.start()
begun.wait()
if not {inside}:
    fork()
cancel.cancel()
for thread in threads:
    thread.join()
"""
    assert ended(code) == "0\n"
