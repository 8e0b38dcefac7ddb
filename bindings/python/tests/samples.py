"""What several tests use."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import castline

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"


def small() -> str:
    """An image of the vectors, which is intact."""
    return f"oci:{VECTORS / 'layouts' / 'plain'}"


def example() -> tuple[castline.Plan, castline.Target]:
    fleet = castline.Fleet("web", [castline.Instance(f"w{n}", image="ami-1") for n in range(3)])
    release = castline.Release.of_provider_image(
        "web", provider="aws", id="ami-2", provenance={"builder": "packer"}, replicas=3
    )
    target = castline.Target(fleet, release, castline.Policy(budgets=[{"maxUnavailable": 1, "maxSurge": 0}]))
    return castline.plan(target), target


def ledger() -> castline.Ledger:
    return castline.Ledger().append(castline.Time.from_millis(0), "ann", {"kind": "note", "text": "hello"})


def layout(folder: Path, size: int) -> str:
    """An image of one layer with so many bytes, which are zeros."""
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
