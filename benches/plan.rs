//! Plans in memory: making one, proving it, and the digest of its fleet, by the number of instances.
//!
//! `cargo bench --bench plan`; `-- 1000000` for the largest alone.

use std::{hint::black_box, sync::Arc};

use castline::{
    Document as _, Fleet, Instance, ProviderImage, Release, Time,
    plan::{Target, check::check, plan, simulate, simulate::World},
    policy::{Amount, Budget, Policy},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// All of them old, in three zones, under a budget of the fleet and one of each zone.
fn target(size: u64) -> Target {
    let zones: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).to_vec();
    let image: Arc<str> = "ami-1".into();
    let instances = zones.iter().cycle().zip(0..size).map(|(zone, number)| {
        Instance::new(format!("i-{number:08x}")).with_zone(Arc::clone(zone)).with_image(Arc::clone(&image))
    });
    let provenance = [("builder".to_owned(), "packer".to_owned())].into();
    let image = ProviderImage { provider: "aws".into(), id: "ami-2".into(), provenance };
    Target {
        fleet: Fleet::new("web", instances).expect("unique ids"),
        release: Release::of_provider_image("web", image, size).expect("a release"),
        policy: Policy::default()
            .with_budget(Budget::fleet(Amount::percent_down(10), Amount::percent_up(10)))
            .with_budget(Budget::zone(Amount::percent_down(25), Amount::percent_up(25))),
    }
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    for size in [1_000_u64, 10_000, 100_000, 1_000_000] {
        let targets = [target(size)];
        let made = plan(&targets).expect("a plan");
        group.throughput(Throughput::Elements(size));
        group.bench_with_input(BenchmarkId::new("make", size), &targets, |bencher, targets| {
            bencher.iter(|| plan(black_box(targets)).expect("a plan"));
        });
        group.bench_with_input(BenchmarkId::new("check", size), &targets, |bencher, targets| {
            bencher.iter(|| check(black_box(&made), targets).expect("a proof"));
        });
        group.bench_with_input(
            BenchmarkId::new("digest of the fleet", size),
            &targets,
            |bencher, targets| {
                bencher.iter(|| black_box(&targets[0].fleet).digest());
            },
        );
        if size <= 10_000 {
            group.bench_with_input(BenchmarkId::new("simulate", size), &targets, |bencher, targets| {
                let world = World::default();
                bencher.iter(|| simulate(&made, targets, &[], &world, Time::default()).expect("a timeline"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
