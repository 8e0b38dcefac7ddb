"""Images that are built: how a description is given, and how the work is stopped. What is built, the vectors say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import castline
import pytest
from castline import aio, errors

PLATFORMS = ["linux/amd64"]


def large(folder: Path) -> dict[str, Any]:
    """A description that takes a while."""
    with (folder / "zeros").open("wb") as file:
        file.truncate(1 << 30)
    return {"platforms": PLATFORMS, "compression": "none", "layers": [{"file": str(folder / "zeros")}]}


def test_a_description_is_a_file_or_its_members(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("hello")
    (tmp_path / "image.toml").write_text('platforms = ["linux/amd64"]\n[[layers]]\nfile = "page"\n')
    members = {"platforms": PLATFORMS, "layers": [{"file": "page"}]}
    to = castline.Reference(f"oci:{tmp_path}/layout:page")
    of_file = castline.build(tmp_path / "image.toml", to)
    of_text = castline.build(str(tmp_path / "image.toml"), f"oci-archive:{tmp_path}/page.tar")
    of_members = castline.build(members, to, folder=tmp_path, jobs=1)
    assert of_file == of_text == of_members
    assert castline.inspect(to)["images"][0]["digest"] == of_file["digest"]
    later = castline.build(members, to, folder=tmp_path, created=castline.Time("2026-11-23T22:50:00Z"))
    assert later == castline.build(members, to, folder=tmp_path, created="2026-11-23T22:50:00Z") != of_file
    index = castline.build({"platforms": ["linux/amd64", "linux/arm64"]}, to)
    assert [one["platform"]["architecture"] for one in index["images"]] == ["amd64", "arm64"]


def test_what_cannot_be_built_says_why(tmp_path: Path) -> None:
    to = f"oci:{tmp_path}/layout"
    with pytest.raises(errors.InvalidDocumentError, match="platfroms"):
        castline.build({"platfroms": PLATFORMS}, to)
    with pytest.raises(errors.SourceError, match="nowhere"):
        castline.build("/nowhere/at/all.toml", to)
    with pytest.raises(castline.CastlineError, match="push") as refused:
        castline.build({"platforms": PLATFORMS}, "docker-archive:image.tar")
    assert refused.value.code == "UNSUPPORTED"
    for wrong in ({"jobs": 0}, {"compression": "xz"}):
        with pytest.raises(ValueError, match="must be"):
            castline.build({"platforms": PLATFORMS}, to, **wrong)
    with pytest.raises(ValueError, match="folder"):
        castline.build(tmp_path / "image.toml", to, folder=tmp_path)
    for odd in (5, None, SimpleNamespace()):
        with pytest.raises(TypeError):
            castline.build(odd, to)  # type: ignore[arg-type]
    assert not (tmp_path / "layout").exists()


def test_a_build_is_stopped_and_leaves_no_archive(tmp_path: Path) -> None:
    description = large(tmp_path)
    archive = tmp_path / "image.tar"

    def enough(*_: int) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        castline.build(description, f"oci-archive:{archive}", progress=enough)
    cancel = castline.Cancel()
    cancel.cancel()
    with pytest.raises(castline.OperationCancelledError):
        castline.build(description, f"oci-archive:{archive}", cancel=cancel)

    async def patience() -> None:
        async with asyncio.timeout(0.1):
            await aio.build(description, f"oci-archive:{archive}")

    with pytest.raises(TimeoutError):
        asyncio.run(patience())
    assert not archive.exists() and {one.name for one in tmp_path.iterdir()} == {"zeros"}
