"""Work that is awaited."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from pathlib import Path
from typing import Any

import castline
import pytest
from castline import aio
from samples import VECTORS, small


def test_what_is_awaited_is_what_is_called() -> None:
    async def main() -> None:
        done, tree = await asyncio.gather(aio.verify(small()), aio.tree(small()))
        assert done.report == castline.verify(small()).report and tree == castline.tree(small())
        assert await aio.inspect(small()) == castline.inspect(small())
        assert await aio.scan(VECTORS / "layouts") == castline.scan(VECTORS / "layouts")
        with pytest.raises(castline.errors.SourceError):
            await aio.verify("oci:/nowhere/at/all")
        with pytest.raises(TypeError):
            await aio.verify(1)  # type: ignore[arg-type]

    asyncio.run(main())


def test_to_thread_works_as_well() -> None:
    async def main() -> castline.Report:
        return (await asyncio.to_thread(castline.verify, small())).report

    assert asyncio.run(main()) == castline.verify(small()).report


def is_open(image: str) -> bool:
    """Whether this process has a file of an image open."""
    folder = Path(image.removeprefix("oci:")).resolve()
    for one in Path("/proc/self/fd").iterdir():
        try:
            if one.readlink().is_relative_to(folder):
                return True
        except OSError:
            continue  # it was closed meanwhile, such as that of this list
    return False


def test_a_task_that_is_cancelled_stops_the_work(large: str) -> None:
    async def main() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(aio.verify(large, jobs=1, progress=lambda *_: begun.set()))
        await begun.wait()
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Not in the background either: whoever waited for the task may remove the image.
        assert not is_open(large)
        with Path(large.removeprefix("oci:"), "index.json").open("rb"):
            assert is_open(large)

    asyncio.run(main())


def test_a_deadline_stops_the_work(large: str) -> None:
    async def main() -> None:
        async with asyncio.timeout(0.1):
            await aio.verify(large, jobs=1)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_a_task_that_is_cancelled_before_it_began_reads_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        task = asyncio.create_task(aio.verify(f"oci:{tmp_path}"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_progress_is_told_on_the_loop_up_to_the_end(large: str) -> None:
    seen: list[tuple[Any, ...]] = []

    async def main() -> castline.Report:
        here = threading.get_ident()

        def progress(*now: int) -> None:
            assert threading.get_ident() == here
            seen.append(now)

        return (await aio.verify(large, progress=progress)).report

    report = asyncio.run(main())
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] == report.bytes


def test_what_progress_raises_stops_the_work(large: str) -> None:
    class Enough(Exception):
        pass

    def progress(*_: int) -> None:
        raise Enough

    async def main() -> None:
        await aio.verify(large, jobs=1, progress=progress)

    with pytest.raises(Enough):
        asyncio.run(main())


@pytest.mark.parametrize("image", ["small", "large"])
def test_a_progress_that_cancels_stops_the_work(image: str, large: str) -> None:
    """`CancelledError` is no `Exception`, and is raised here nevertheless."""
    calls = 0

    def progress(*_: int) -> None:
        nonlocal calls
        calls += 1
        raise asyncio.CancelledError

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await aio.verify(large if image == "large" else small(), jobs=1, progress=progress)
        assert not is_open(large)

    asyncio.run(main())
    assert calls == 1


def test_an_async_progress_is_refused() -> None:
    async def progress(*_: int) -> None:
        raise AssertionError("it is never run")

    async def main() -> None:
        for one in (progress, lambda *now: progress(*now)):
            with pytest.raises(TypeError, match="must not be async"):
                await aio.verify(small(), progress=one)
        # It may begin one.
        tasks: list[asyncio.Task[None]] = []
        await aio.verify(small(), progress=lambda *_: tasks.append(asyncio.create_task(asyncio.sleep(0))))
        await aio.verify(small(), progress=lambda *_: asyncio.create_task(asyncio.sleep(0)))
        await asyncio.gather(*tasks)
        assert tasks

    # Nor is one left that was never awaited.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())
        gc.collect()


def test_the_loop_goes_on_meanwhile(large: str) -> None:
    async def main() -> int:
        ticks = 0
        task = asyncio.create_task(aio.verify(large))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert (await task).report.intact
        return ticks

    assert asyncio.run(main()) > 3
