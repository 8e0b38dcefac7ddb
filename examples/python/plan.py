"""Plans the replacement of a fleet, proves the plan, simulates it and prints it."""

import castline

fleet = castline.Fleet(
    "web", [castline.Instance(f"web-{n}", image="ami-1", zone="abc"[n % 3]) for n in range(6)]
)
release = castline.Release.of_provider_image(
    "web", provider="aws", id="ami-2", provenance={"builder": "packer"}, replicas=6
)
policy = castline.Policy(budgets=[{"maxUnavailable": 0, "maxSurge": "25% up"}])
target = castline.Target(fleet, release, policy)

plan = castline.plan(target)
proof = castline.check(plan, target)
timeline = castline.simulate(plan, target)

print(plan.to_text(timeline))
assert timeline.outcome == "succeeded"
assert proof["waves"] == plan.waves
