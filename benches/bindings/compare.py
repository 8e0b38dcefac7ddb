"""What each binding adds to the same call in Rust, in one run.

    python3 benches/bindings/compare.py IMAGE [--rounds N] NAME=COMMAND…

Each COMMAND is a worker: it reads tasks, one a line, and answers each with one line of JSON. `rust` is the one that the others are
compared with. Tasks are given in turn (A B C A B C …), so that whatever else the machine does meets all of them; a ratio is the
median of each round's own. CPU is what the kernel counted for the worker.

    verify IMAGE   verifies all that the reference names
    plan TIMES     a plan for 10,000 instances, from objects of the language that are there; so many times
    make TIMES     the same, and the objects are made anew each time
    gap IMAGE      verifies, and says the longest that a thread or a timer of the language waited meanwhile (`{"gap": …}`)
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
TIMES = 50


class Worker:
    def __init__(self, name: str, command: str) -> None:
        self.name = name
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(shlex.split(command), stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def ask(self, task: str) -> dict[str, float]:
        assert self.process.stdin and self.process.stdout
        before = self.cpu()
        self.process.stdin.write(task + "\n")
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended at `{task}`")
        return {**json.loads(line), "cpu": self.cpu() - before}


def measure(workers: list[Worker], task: str, rounds: int, times: int) -> None:
    """One table: medians, and the medians of each round's ratio to Rust."""
    answers: dict[str, list[dict[str, float]]] = {worker.name: [] for worker in workers}
    for number in range(rounds + 1):
        for worker in workers:
            answer = worker.ask(task)
            # The first one warms caches.
            if number:
                answers[worker.name].append(answer)
    for name, mine in answers.items():
        line = f"{task.split()[0]:7} {name:8}"
        for key in ("wall", "cpu"):
            ratios = [one[key] / base[key] for one, base in zip(mine, answers["rust"], strict=True)]
            middle = statistics.median(one[key] for one in mine) / times * 1000
            line += f"  {key} {middle:9.2f} ms  ratio {statistics.median(ratios):.3f}"
        print(line, flush=True)


def gigabyte(folder: Path) -> str:
    """An image of 1 GiB in four gzip layers, half of it noise and half of it not, the same each time."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    chance = random.Random(1)
    noise = chance.randbytes(1 << 20)
    words = " ".join(chance.choice(["alpha", "beta", "gamma", "delta", "epsilon"]) for _ in range(1 << 20)).encode()

    def blob(raw: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(raw).hexdigest()
        (blobs / digest).write_bytes(raw)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(raw)}

    layers, contents = [], []
    for number in range(4):
        parts = (noise[number * 64 :], words[: 1 << 20])
        body = b"".join(parts[turn % 2] for turn in range(256))
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            info = tarfile.TarInfo(f"file-{number}")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        gzip = zlib.compressobj(1, wbits=31)
        layers.append(blob(gzip.compress(tar.getvalue()) + gzip.flush(), "layer.v1.tar+gzip"))
        contents.append("sha256:" + hashlib.sha256(tar.getvalue()).hexdigest())
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": contents}}
    described = blob(json.dumps(config).encode(), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    manifest |= {"config": described, "layers": layers}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{folder}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("image", help="what is verified, e.g. oci:/tmp/reference/gzip")
    arguments.add_argument("workers", nargs="+", metavar="NAME=COMMAND")
    arguments.add_argument("--rounds", type=int, default=9)
    given = arguments.parse_args()
    workers = [Worker(*worker.split("=", 1)) for worker in given.workers]
    measure(workers, f"verify {given.image}", given.rounds, 1)
    measure(workers, f"plan {TIMES}", given.rounds, TIMES)
    measure(workers, f"make {TIMES}", given.rounds, TIMES)
    with tempfile.TemporaryDirectory() as folder:
        image = gigabyte(Path(folder))
        for worker in workers:
            if worker.name in ("python", "node"):
                gaps = [worker.ask(f"gap {image}")["gap"] * 1000 for _ in range(given.rounds)]
                print(f"gap     {worker.name:8}  most {max(gaps):.1f} ms, median {statistics.median(gaps):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
