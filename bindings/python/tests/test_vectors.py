"""Every line of the tables that all languages run."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import castline
from castline import Fleet, Ledger, Plan, Policy, Release, Rollout, Rootfs, Target, Time
from castline.errors import BrokenChainError, CastlineError, InfeasibleError, InvalidImageError

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "0": "\0", "e": "\x1b"}.get(found[1], found[1]), text)


def coded(run: Callable[[], str]) -> str:
    try:
        return run()
    except CastlineError as error:
        return f"!{error.code}"


def flagged(words: list[str]) -> dict[str, list[str]]:
    """`--name value` pairs, and `--name` alone."""
    flags: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word
            flags.setdefault(name, [])
        else:
            flags[name].append(word)
    return flags


def codes(report: castline.Report) -> str:
    found = [
        f["code"] if f["level"] == "error" else f"{f['level']}:{f['code']}" for f in report
    ]
    text = " ".join(found) or "intact"
    return text + " incomplete" if report.intact and not report.complete else text


def placed(text: str) -> str:
    """The reference with its path below the vectors."""
    transport, rest = text.split(":", 1)
    return f"{transport}:{VECTORS / rest}"


def verify(words: list[str], text: str) -> str:
    flags = flagged(words)
    platform = flags.get("--platform", [None])[0]
    done = castline.verify(placed(text), platform=platform, unreferenced="--unreferenced" in flags)
    assert castline.Report.from_json(done.report.to_json()) == done.report
    return codes(done.report)


def shown(raw: bytes) -> str:
    """Bytes as Rust escapes them."""
    named = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(
        named.get(b) or (chr(b) if 0x21 <= b < 0x7F else f"\\x{b:02x}") for b in raw
    )


def named(line: dict[str, Any], key: str) -> str:
    raw = line[key].encode() if key in line else base64.b64decode(line[key + "Bytes"])
    return shown(raw)


def entry(line: dict[str, Any]) -> str:
    path = named(line, "path")
    if "sameAs" in line or "sameAsBytes" in line:
        return f"h:{path}={named(line, 'sameAs')}"
    device = ",".join(map(str, line.get("device", [])))
    text, usual = {
        "directory": (f"{'D' if line.get('implicit') else 'd'}:{path}", "0755"),
        "file": (f"f:{path}:{line.get('size')}", "0644"),
        "symlink": (f"l:{path}->{named(line, 'target') if line['type'] == 'symlink' else ''}", "0777"),
        "charDevice": (f"c:{path}:{device}", "0644"),
        "blockDevice": (f"b:{path}:{device}", "0644"),
        "fifo": (f"p:{path}", "0644"),
    }[line["type"]]
    if line["mode"] != usual:
        text += f":{line['mode']}"
    return text + "".join(f":{name}={value}" for name, value in line.get("xattrs", {}).items())


def tree(text: str) -> str:
    report = castline.verify(placed(text)).report
    if not report.intact:
        return codes(report)
    try:
        lines = castline.tree(placed(text)).to_json_lines()
    except InvalidImageError as error:
        return codes(error.report)
    assert Rootfs.from_json_lines(lines).to_json_lines() == lines
    entries = [entry(json.loads(line)) for line in lines.splitlines()]
    return " ".join(one for one in entries if one not in ("D:", "d:"))


def drift(words: list[str], text: str) -> str:
    flags = flagged(words)
    shipped, actual = (Rootfs.from_json_lines((VECTORS / path).read_bytes()) for path in text.split(" "))
    report = castline.compare(
        shipped,
        actual,
        profile=flags.get("--profile", [None])[0],
        ignore=flags.get("--ignore", []),
        mounts=flags.get("--mount", []),
        mtime="--mtime" in flags,
    )
    found = []
    for one in report:
        raw = base64.b64decode(one["pathBytes"]) if "pathBytes" in one else one["path"].encode()
        line = f"{one['severity']}:{one['code']}:{shown(raw)}"
        found.append(f"{line}:{','.join(one.get('attributes', []))}" if one["code"] == "modified" else line)
    return " ".join(found) or "clean"


def reference(text: str) -> str:
    read = castline.Reference(text)
    words = [read.transport, f"path={read.path}"]
    words += [f"tag={read.tag}"] if read.tag is not None else []
    words += [f"digest={read.digest}"] if read.digest is not None else []
    words += [f"index={read.position}"] if read.position is not None else []
    return " ".join(words)


def window(text: str) -> str:
    schedule, duration, zone, now = text.split("|")
    read = castline.Window(schedule, int(duration), zone)
    state = "open" if read.is_open(Time(now)) else "closed"
    return f"{state} {read.next_open(Time(now))}"


def amount_of(text: str) -> str:
    amount, total = text.rsplit(" of ", 1)
    return str(castline.Amount(amount).of(int(total)))


def digest(kind: type[Fleet] | type[Release] | type[Policy], raw: bytes) -> str:
    read = kind.from_json(raw)
    assert kind.from_json(read.to_canonical()).digest == read.digest
    assert kind.from_dict(read.to_dict()) == read
    return str(read.digest)


def targets(document: dict[str, Any]) -> list[Target]:
    return [
        Target(
            Fleet.from_dict(one["fleet"]), Release.from_dict(one["release"]), Policy.from_dict(one["policy"])
        )
        for one in document["targets"]
    ]


def slot(half: dict[str, Any]) -> str:
    return f"#{half['slot']}" if "slot" in half else ""


def disposed(half: dict[str, Any]) -> str:
    return "" if half.get("disposal", "end") == "end" else f"({half['disposal']})"


def replacement(one: dict[str, Any]) -> str:
    halves = []
    if (launch := one.get("launch")) is not None:
        labels = ",".join(f"{key}={value}" for key, value in launch.get("labels", {}).items())
        halves.append(f"+{launch.get('zone', '')}{slot(launch)}" + (f"{{{labels}}}" if labels else ""))
    if (retire := one.get("retire")) is not None:
        halves.append(f"-{retire['id']}{disposed(retire)}")
    if one.get("order", "launchFirst") != "launchFirst":
        halves.reverse()
    return f"{one['wave']}:{''.join(halves)}:{one['reason']}"


def stage(one: dict[str, Any]) -> str:
    words = [f"[{one['name']}]"]
    words += [f"after={','.join(map(str, one['after']))}"] if one.get("after") else []
    words += map(replacement, one.get("replacements", []))
    words += [f"weight={one['weight']}"] if "weight" in one else []
    gate = one.get("gate", {})
    words += [f"bake={gate['bakeSeconds']}"] if gate.get("bakeSeconds") else []
    words += [f"analysis={gate['analysis']}"] if "analysis" in gate else []
    words += ["approval"] if "approval" in gate else []
    return " ".join(words)


def limit(one: dict[str, Any]) -> str:
    words = [one["name"], f"of={one['desired']}"]
    words += [f"{key}={one[key]}" for key in ("floor", "ceiling", "inFlight") if key in one]
    return " ".join(words)


def planned(document: dict[str, Any], text: Callable[[Plan], str]) -> str:
    try:
        plan = castline.plan(*targets(document))
    except InfeasibleError as error:
        return f"!{error.code} {'|'.join(one['name'] for one in error.conflict)}"
    assert Plan.from_dict(plan.to_dict()) == plan
    return text(plan)


def action(one: dict[str, Any]) -> str:
    match one["type"]:
        case "launch":
            return f"launch:{one.get('zone', '')}{slot(one)}"
        case "retire":
            return f"retire:{one['instance']}{disposed(one)}"
        case "shift":
            return f"shift:{one['weight']}"
        case "analyse":
            return f"analyse:{one['name']}"
        case "ask":
            return "ask"
    raise AssertionError(one)


def rollout(document: dict[str, Any], count: int | None) -> str:
    goals = targets(document)
    fallback = [Release.from_dict(one) for one in document["fallback"]]
    run = Rollout(castline.plan(*goals), *goals, at=Time(document["start"]), fallback=fallback)
    keys: list[str] = []
    for event in document["events"][:count]:
        key = ""
        written = json.dumps(event)
        if symbol := re.search(r'"\$(\w+):(\d+)"', written):
            of_kind = [one["key"] for one in run.next()["actions"] if one["type"] == symbol[1]]
            key = (keys if symbol[1] == "same" else of_kind)[int(symbol[2])]
            event = json.loads(written.replace(symbol[0], json.dumps(key)))
        keys.append(key)
        run.on(event)
    return " ".join([run.status["status"], *map(action, run.next()["actions"])])


def story(ledger: Ledger, service: str) -> str:
    def release(found: Release | None) -> str:
        return "none" if found is None else str(found.digest)

    history = ledger.history(service)
    outcomes = ",".join(one.get("outcome", "running") if isinstance(one.get("outcome", ""), str) else next(iter(one["outcome"])) for one in history)
    last = ledger.release(castline.Digest(history[-1]["release"])) if history else None
    target = ledger.rollback_target(last) if last is not None else None
    return (
        f"history={outcomes} current={ledger.current(service) or 'none'}"
        f" previous={release(ledger.previous_good(service))} target={release(target)}"
    )


def ledger(words: list[str], raw: bytes) -> str:
    try:
        read = Ledger.from_lines(raw)
    except BrokenChainError as error:
        return f"!{error.code} {error.position}"
    assert read.to_lines() == raw
    return story(read, words[1]) if words else f"{len(read)} {read.head or 'none'}"


def build(words: list[str], text: str) -> str:
    path = VECTORS / text
    description = json.loads(path.read_bytes()) if path.suffix == ".json" else path
    folder = path.parent if path.suffix == ".json" else None
    compression = flagged(words).get("--compression", [None])[0]
    with tempfile.TemporaryDirectory() as place:
        to = f"oci:{place}/layout:built"
        built = castline.build(description, to, folder=folder, compression=compression, jobs=2)
        assert castline.verify(to, unreferenced=True).report.complete
        return str(built["digest"])


def run(operation: str, text: str) -> str:
    name, *words = operation.split(" ")
    parsed = unescaped(text)
    match name:
        case "verify":
            return verify(words, text)
        case "tree":
            return tree(text)
        case "drift":
            return drift(words, text)
        case "build":
            return coded(lambda: build(words, text))
        case "digest.parse":
            return coded(lambda: str(castline.Digest(parsed)))
        case "platform.parse":
            return coded(lambda: str(castline.Platform(parsed)))
        case "reference.parse":
            return coded(lambda: reference(parsed))
        case "amount.parse":
            return coded(lambda: str(castline.Amount(parsed)))
        case "time.parse":
            return coded(lambda: str(Time(parsed)))
        case "revision.parse":
            return coded(lambda: str(castline.Revision(parsed)))
        case "amount.of":
            return coded(lambda: amount_of(parsed))
        case "window.open":
            return coded(lambda: window(parsed))
    raw = (VECTORS / text).read_bytes()
    match name:
        case "fleet.digest":
            return coded(lambda: digest(Fleet, raw))
        case "release.digest":
            return coded(lambda: digest(Release, raw))
        case "policy.digest":
            return coded(lambda: digest(Policy, raw))
        case "release.revision":
            return coded(lambda: str(Release.from_json(raw).revision))
        case "plan":
            return planned(json.loads(raw), lambda plan: " ".join(map(stage, plan.stages)) if not plan.empty else "empty")
        case "plan.limits":
            return planned(json.loads(raw), lambda plan: "; ".join(map(limit, plan.limits)))
        case "rollout":
            return rollout(json.loads(raw), int(words[1]) if words else None)
        case "ledger":
            return ledger(words, raw)
    raise AssertionError(f"the table has an unknown operation {operation}")


def rows() -> Iterable[list[str]]:
    for line in (VECTORS / "index.tsv").read_text().split("\n"):
        if line and not line.startswith("#"):
            yield line.split("\t")


def test_every_line_of_the_table_holds() -> None:
    failures = []
    count = 0
    for operation, text, expected in rows():
        count += 1
        actual = run(operation, text)
        if actual != expected:
            failures.append(f"{operation} {text}\n    expected {expected}\n    actual   {actual}")
    assert count > 1300
    assert not failures, f"{len(failures)} of {count} lines differ:\n" + "\n".join(failures[:20])
