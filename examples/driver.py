#!/usr/bin/env python3
"""A driver for castline: a fleet that is a folder of files, to be taken as a pattern for a real platform.

    python3 examples/driver.py FOLDER

speaks castline's protocol of lines (crates/castline-engine/src/drivers/command.rs has it in full): requests on standard input,
answers and events on standard output. Each instance is a file in FOLDER; what `launch` writes is ready at once. Where
FOLDER/refuse is, launches fail for now; where FOLDER/slow is, they wait until it is not. Instances of the revisions in FOLDER/broken
fail; where FOLDER/zones is, there are no other zones than those in it.
"""

import datetime
import json
import os
import pathlib
import sys
import threading
import time

folder = pathlib.Path(sys.argv[1])
output = threading.Lock()
# Held by whoever changes the fleet: the same may be asked for twice at the same time.
changing = threading.Lock()
folder.mkdir(parents=True, exist_ok=True)


def say(answer):
    with output:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Temporary(Exception):
    """Asking again may help."""


def words(name):
    """What stands in a file of the folder, if it is there."""
    path = folder / name
    return path.read_text().split() if path.exists() else []


def instances():
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text())
        except FileNotFoundError:
            pass  # It was removed just now.
    return found


def write(name, document):
    # Whole or not at all, so that whoever ends half way has done nothing.
    draft = folder / (name + ".draft")
    draft.write_text(json.dumps(document))
    os.replace(draft, folder / (name + ".json"))


def fleet(service):
    ours = [one["instance"] for one in instances().values() if one["service"] == service]
    return {"service": service, "instances": ours}


def launch(action, release):
    key, zone = action["key"], action.get("zone", "")
    # The name is the key's: whoever asks again finds what is there.
    name = "i-" + key
    if not (folder / (name + ".json")).exists():
        if (folder / "refuse").exists():
            raise Temporary("there is no room on any host")
        if (folder / "zones").exists() and zone not in words("zones"):
            return [{"type": "launchFailed", "key": key, "reason": f"there is no zone `{zone}`"}]
        while (folder / "slow").exists():
            (folder / "waiting").touch()
            time.sleep(0.02)
        with changing:
            make(name, action, release)
    return [{"type": "launched", "key": key, "instance": name}]


def make(name, action, release):
    """Makes an instance, unless somebody was faster."""
    if (folder / (name + ".json")).exists():
        return
    fails = action["revision"] in words("broken")
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    instance = {
        "id": name,
        "image": release["image"]["verified"]["identities"]["manifest"],
        "revision": action["revision"],
        "health": "failed" if fails else "ready",
        "createdAt": now,
    }
    if not fails:
        instance["readyAt"] = now
    # All that castline has to know of an instance later is on it.
    labels = {**action.get("labels", {}), "castline.key": action["key"], "castline.service": action["service"]}
    labels["castline.revision"] = action["revision"]
    for word in ("zone", "slot"):
        if action.get(word):
            instance[word] = labels["castline." + word] = action[word]
    instance["labels"] = labels
    with open(folder / "launched", "a", encoding="utf-8") as log:
        log.write(action["key"] + "\n")
    write(name, {"service": action["service"], "instance": instance})


def retire(action):
    name = action["instance"]
    path = folder / (name + ".json")
    with changing:
        if action["disposal"] == "end":
            path.unlink(missing_ok=True)
        if not path.exists():
            return [{"type": "gone", "instance": name}]
        document = json.loads(path.read_text())
        document["instance"]["phase"] = "quarantined"
        write(name, document)
    return [{"type": "quarantined", "instance": name}]


def perform(action, release):
    kind = action["type"]
    if kind == "launch":
        return launch(action, release)
    if kind == "retire":
        return retire(action)
    if kind == "shift":
        return [{"type": "shifted", "key": action["key"]}]
    raise ValueError(f"this driver knows no {kind}")


def events(service, before, after):
    """What has changed between two looks at the folder."""
    for name, one in after.items():
        was = before.get(name)
        if one["service"] == service and (was is None or was["instance"].get("health") != one["instance"].get("health")):
            health = one["instance"].get("health", "ready")
            if health == "failed":
                yield {"type": "failed", "instance": name, "reason": "it is broken"}
            else:
                yield {"type": "ready" if health == "ready" else "notReady", "instance": name}
    for name, was in before.items():
        if was["service"] == service and name not in after:
            yield {"type": "gone", "instance": name}


def watch(number, services):
    before = {}
    while number not in cancelled:
        after = instances()
        for service in services:
            for event in events(service, before, after):
                say({"id": number, "event": event})
        before = after
        time.sleep(0.02)


cancelled = set()


def answer(number, request):
    try:
        if "observe" in request:
            say({"id": number, "fleet": fleet(request["observe"]["service"])})
        elif "watch" in request:
            watch(number, request["watch"]["services"])
        elif "perform" in request:
            asked = request["perform"]
            say({"id": number, "events": perform(asked["action"], asked.get("release"))})
        else:
            raise ValueError("this driver cannot do that")
    except Exception as error:  # Whatever it is, whoever asked is told.
        temporary = isinstance(error, (Temporary, OSError))
        say({"id": number, "error": {"message": str(error), "temporary": temporary}})


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if "cancel" in request:
            cancelled.add(request["cancel"])
            continue
        threading.Thread(target=answer, args=(request["id"], request), daemon=True).start()


if __name__ == "__main__":
    main()
