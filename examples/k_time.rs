use castline::{
    Document as _, Fleet, Instance, ProviderImage, Release,
    plan::{Target, plan},
    policy::{Amount, Budget, Policy},
};
use std::time::Instant;
fn main() {
    for n in [10_000_usize, 100_000, 1_000_000] {
        let zones: Vec<std::sync::Arc<str>> = (0..3).map(|z| format!("zone-{z}").into()).collect();
        let image: std::sync::Arc<str> = "ami-1".into();
        let t = Instant::now();
        let fleet = Fleet::new(
            "web",
            (0..n).map(|i| {
                Instance::new(format!("i-{i:08x}")).with_zone(zones[i % 3].clone()).with_image(image.clone())
            }),
        )
        .expect("f");
        println!("{n} fleet {:?}", t.elapsed());
        let release = Release::of_provider_image(
            "web",
            ProviderImage {
                provider: "aws".into(),
                id: "ami-2".into(),
                provenance: [("a".into(), "b".into())].into(),
            },
            n as u64,
        )
        .expect("r");
        let policy = Policy::default()
            .with_budget(Budget::fleet(Amount::percent_down(10), Amount::percent_up(10)))
            .with_budget(Budget::zone(Amount::percent_down(25), Amount::percent_up(25)));
        let targets = [Target { fleet, release, policy }];
        let t = Instant::now();
        let p = plan(&targets).expect("p");
        println!("{n} plan {:?} waves {}", t.elapsed(), p.waves());
        let t = Instant::now();
        let d = targets[0].fleet.digest();
        println!("{n} fleet digest {:?} {d}", t.elapsed());
        let t = Instant::now();
        let d = p.digest();
        println!("{n} plan digest {:?} {d}", t.elapsed());
    }
    let s = std::fs::read_to_string("/proc/self/status").expect("s");
    println!("{}", s.lines().find(|l| l.starts_with("VmHWM")).expect("x"));
}
