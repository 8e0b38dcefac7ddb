"""Verifies an image: `python verify.py oci:DIR:TAG`."""

import sys

import castline


def show(done: int, total: int, _blobs: int, _total_blobs: int) -> None:
    print(f"\r{done:,} of {total:,} bytes", end="", file=sys.stderr)


report = castline.verify(sys.argv[1], progress=show).report
for finding in report:
    print(f"{finding['level']}: {finding['message']} [{finding['code']}]")
print(repr(report))
sys.exit(0 if report.complete else 1)
