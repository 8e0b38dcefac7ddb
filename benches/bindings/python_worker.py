"""The worker in Python: does what `compare.py` asks of it, line by line, and says how long it took."""

import json
import sys
import threading
import time
from collections.abc import Callable

import castline

INSTANCES = 10_000
RELEASE = castline.Release.of_provider_image(
    "web", provider="aws", id="ami-2", provenance={"builder": "packer"}, replicas=INSTANCES
)


def verify(image: str) -> None:
    assert castline.verify(image).report.complete


def instances() -> list[castline.Instance]:
    return [castline.Instance(f"i-{n:08x}", image="ami-1", zone="abc"[n % 3]) for n in range(INSTANCES)]


def plan(objects: list[castline.Instance]) -> None:
    budgets = [
        {"maxUnavailable": "10% down", "maxSurge": "10% up"},
        {"scope": "zone", "maxUnavailable": "25% down", "maxSurge": "25% up"},
    ]
    policy = castline.Policy(budgets=budgets)
    castline.plan(castline.Target(castline.Fleet("web", objects), RELEASE, policy))


def gap(image: str) -> float:
    """The longest that a thread which sleeps for a millisecond at a time had to wait for its turn, in seconds."""
    longest = 0.0
    done = threading.Event()

    def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    thread = threading.Thread(target=tick)
    thread.start()
    verify(image)
    done.set()
    thread.join()
    return longest


def repeated(times: int, work: Callable[[], None]) -> dict[str, float]:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return {"wall": time.perf_counter() - began}


def answer(task: str, rest: str) -> dict[str, float]:
    match task:
        case "verify":
            return repeated(1, lambda: verify(rest))
        case "plan":
            objects = instances()
            return repeated(int(rest), lambda: plan(objects))
        case "make":
            return repeated(int(rest), lambda: plan(instances()))
        case "gap":
            return {"gap": gap(rest)}
    raise ValueError(task)


for line in sys.stdin:
    print(json.dumps(answer(*line.rstrip("\n").split(" ", 1))), flush=True)
