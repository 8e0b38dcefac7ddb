//! Plans the replacement of a fleet, proves the plan, previews it, and executes it in a simulated world.
//!
//! `cargo run --example plan`

#![expect(clippy::print_stdout, reason = "it is a program")]

use castline::{
    Document as _, Fleet, Instance, Integrity, ProviderImage, Release, Time,
    plan::{self, Target, check::check, simulate::World},
    policy::{Amount, Budget, Compromised, Gate, Policy, Step, Strategy},
    preview,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What runs: six instances in three zones. One of them is not what it was.
    let zones = ["a", "b", "c"];
    let instances = (0..6).map(|number| {
        let instance =
            Instance::new(format!("web-{number}")).with_image("ami-1").with_zone(zones[number % 3]);
        if number == 4 { instance.with_integrity(Integrity::Compromised) } else { instance }
    });
    let fleet = Fleet::new("web", instances)?;

    // What should run. A release of an OCI image is made from a verified one: see `castline release`.
    let image = ProviderImage {
        provider: "aws".into(),
        id: "ami-2".into(),
        provenance: [("builder".into(), "packer".into())].into(),
    };
    let release = Release::of_provider_image("web", image, 6)?;

    // How it may get there.
    let canary = Step { amount: Amount::Count(1), weight: None, gate: Gate::bake(60) };
    let policy = Policy::default()
        .with_strategy(Strategy::Canary(vec![canary]))
        .with_budget(Budget::fleet(Amount::ZERO, Amount::percent_up(25)))
        .with_budget(Budget::zone(Amount::ZERO, Amount::Count(1)))
        .with_compromised(Compromised::Quarantine);

    let targets = [Target { fleet, release, policy }];
    let plan = plan::plan(&targets)?;
    let proof = check(&plan, &targets)?;
    let timeline = plan::simulate(&plan, &targets, &[], &World::default(), Time::default())?;
    println!("{}", preview::text(&plan, Some(&timeline), 100));
    for held in &proof.limits {
        println!("proved: {}: never fewer than {} available", held.limit, held.least_available);
    }

    // The compromised one goes first, and into quarantine.
    let first = plan.replacements().next().and_then(|one| one.retire.as_ref()).ok_or("nothing is retired")?;
    assert_eq!(&*first.id, "web-4");
    assert_eq!(timeline.outcome, "succeeded");
    println!("approve of it as {}", plan.digest());
    Ok(())
}
