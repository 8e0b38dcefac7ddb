"""A driver: does in a world of asyncio tasks what a rollout asks for, and tells it what happens."""

import asyncio
from typing import Any

import castline


class Driver:
    def __init__(self, rollout: castline.Rollout) -> None:
        self.rollout = rollout
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.started = asyncio.get_running_loop().time()
        self.launched = 0

    def now(self) -> str:
        # The world's clock runs a thousand times faster than ours.
        passed = asyncio.get_running_loop().time() - self.started
        return str(castline.Time.from_millis(int(passed * 1_000_000)))

    async def do(self, action: dict[str, Any]) -> None:
        """Whatever it takes on a real platform; doing it twice must be doing it once, which the key is for."""
        await asyncio.sleep(0.005)
        match action["type"]:
            case "launch":
                self.launched += 1
                instance = f"new-{self.launched}"
                await self.events.put({"type": "launched", "key": action["key"], "instance": instance})
                await asyncio.sleep(0.01)
                await self.events.put({"type": "ready", "instance": instance})
            case "retire":
                await self.events.put({"type": "gone", "instance": action["instance"]})
            case other:
                raise NotImplementedError(other)

    async def run(self) -> None:
        while not self.rollout.ended:
            to_do = self.rollout.next()
            for action in to_do["actions"]:
                if action["key"] not in self.tasks:
                    print(f"{action['type']} {action.get('instance', action.get('zone'))}")
                    self.tasks[action["key"]] = asyncio.create_task(self.do(action))
            try:
                event = await asyncio.wait_for(self.events.get(), timeout=1)
            except TimeoutError:
                event = {"type": "tick"}
            self.rollout.on({"at": self.now(), **event})


async def main() -> None:
    instances = [castline.Instance(f"web-{n}", image="ami-1", zone="ab"[n % 2]) for n in range(4)]
    release = castline.Release.of_provider_image(
        "web", provider="aws", id="ami-2", provenance={"builder": "packer"}, replicas=4
    )
    policy = castline.Policy(budgets=[{"maxUnavailable": 0, "maxSurge": 2}])
    target = castline.Target(castline.Fleet("web", instances), release, policy)
    rollout = castline.Rollout(castline.plan(target), target, at=castline.Time.from_millis(0))
    await Driver(rollout).run()
    fleet = rollout.fleet("web")
    assert rollout.status == {"status": "succeeded"}, rollout.status
    assert fleet is not None and all(one.image == "ami-2" for one in fleet)
    print(f"{rollout!r}: {[one.id for one in fleet]}")


asyncio.run(main())
