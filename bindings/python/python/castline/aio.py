"""The long work of castline for asyncio: awaited, and stopped when its task is cancelled.

`asyncio.to_thread(castline.verify, …)` waits as well, but whoever cancels that leaves a thread behind that reads on. Here
the work is told to stop, and the await ends when it has: nothing reads the image any more. `progress` is called on the
loop's own thread; what it raises, `asyncio.CancelledError` as well, stops the work and is raised here. It is a plain function: one that is
to wait for something makes a task of that, and an `async` one is a `TypeError`, since nothing says what becomes of the work meanwhile.

What is short or cannot be stopped (`plan`, `check`, `simulate`, …) is not here: `await asyncio.to_thread(castline.plan, target)`.
"""

from __future__ import annotations

import asyncio
import inspect as inspect_
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import Any, TypeVar

from . import _castline
from ._castline import Cancel, Platform, Reference, Rootfs, Scan, Time, Verification

__all__ = ["build", "inspect", "scan", "tree", "verify"]

_T = TypeVar("_T")
_Progress = Callable[[int, int, int, int], object]


async def verify(
    image: Reference | str | PathLike[str],
    *,
    platform: Platform | str | None = None,
    unreferenced: bool = False,
    jobs: int | None = None,
    progress: _Progress | None = None,
) -> Verification:
    """As `castline.verify`."""

    def work(cancel: Cancel, progress: _Progress | None) -> Verification:
        return _castline.verify(
            image, platform=platform, unreferenced=unreferenced, jobs=jobs, progress=progress, cancel=cancel
        )

    return await _stoppable(work, progress)


async def build(
    description: Mapping[str, Any] | str | PathLike[str],
    to: Reference | str,
    *,
    folder: str | PathLike[str] | None = None,
    created: Time | str | None = None,
    compression: str | None = None,
    jobs: int | None = None,
    progress: _Progress | None = None,
) -> dict[str, Any]:
    """As `castline.build`."""

    def work(cancel: Cancel, progress: _Progress | None) -> dict[str, Any]:
        return _castline.build(
            description,
            to,
            folder=folder,
            created=created,
            compression=compression,
            jobs=jobs,
            progress=progress,
            cancel=cancel,
        )

    return await _stoppable(work, progress)


async def inspect(
    image: Reference | str | PathLike[str], *, platform: Platform | str | None = None
) -> dict[str, Any]:
    """As `castline.inspect`."""

    def work(cancel: Cancel, _: _Progress | None) -> dict[str, Any]:
        return _castline.inspect(image, platform=platform, cancel=cancel)

    return await _stoppable(work, None)


async def tree(
    image: Reference | str | PathLike[str],
    *,
    platform: Platform | str | None = None,
    jobs: int | None = None,
    progress: _Progress | None = None,
) -> Rootfs:
    """As `castline.tree`."""

    def work(cancel: Cancel, progress: _Progress | None) -> Rootfs:
        return _castline.tree(image, platform=platform, jobs=jobs, progress=progress, cancel=cancel)

    return await _stoppable(work, progress)


async def scan(root: str | PathLike[str], *, progress: _Progress | None = None) -> Scan:
    """As `castline.scan`."""

    def work(cancel: Cancel, progress: _Progress | None) -> Scan:
        return _castline.scan(root, progress=progress, cancel=cancel)

    return await _stoppable(work, progress)


def _refuse_async() -> None:
    raise TypeError("progress is called on the loop's own thread and must not be async: let it make a task")


async def _stoppable(work: Callable[[Cancel, _Progress | None], _T], progress: _Progress | None) -> _T:
    if inspect_.iscoroutinefunction(progress):
        _refuse_async()
    loop = asyncio.get_running_loop()
    cancel = Cancel()
    raised: list[BaseException] = []

    def tell(done: int, total: int, blobs: int, total_blobs: int) -> None:
        loop.call_soon_threadsafe(told, done, total, blobs, total_blobs)

    def told(done: int, total: int, blobs: int, total_blobs: int) -> None:
        if progress is None or cancel.cancelled:
            return
        try:
            said = progress(done, total, blobs, total_blobs)
            # Of a function that only wraps an async one. A task goes on by itself.
            if inspect_.iscoroutine(said):
                said.close()
                _refuse_async()
        except BaseException as error:
            raised.append(error)
            cancel.cancel()

    # A thread of its own, which ends with the work: in the loop's pool it could wait for others, also when it is to stop.
    threads = ThreadPoolExecutor(1, "castline")
    future = loop.run_in_executor(threads, work, cancel, None if progress is None else tell)
    threads.shutdown(wait=False)
    try:
        # Shielded, since a future that is cancelled no longer says when the thread has stopped.
        result = await asyncio.shield(future)
    except asyncio.CancelledError:
        cancel.cancel()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue  # asked again: it is stopping
        if not future.cancelled():
            future.exception()
        raise
    except Exception:
        if raised:
            raise raised[0] from None
        raise
    if raised:
        raise raised[0]
    return result
