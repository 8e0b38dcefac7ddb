//! What bindings are compared with: the same work in Rust, as lines of JSON. Beside it are the programs of the bindings, each
//! with its recipe.
//!
//! `cargo bench --bench bindings -- [IMAGE] [ROUNDS]`

use std::{env, error::Error, hint::black_box, io::Write as _, time::Instant};

use castline::{
    Document as _, Fleet, Instance, Options, ProviderImage, Release, Watch,
    plan::{Target, plan},
    policy::{Amount, Budget, Policy},
    sources::{Reference, Source},
};

const SIZE: u32 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    // Without `--bench` it is only seen to run.
    let usual = if env::args().any(|word| word == "--bench") { 25 } else { 1 };
    let rounds: usize = arguments.get(1).map_or(Ok(usual), |rounds| rounds.parse())?;

    let provenance = [("builder".to_owned(), "packer".to_owned())].into();
    let image = ProviderImage { provider: "aws".into(), id: "ami-2".into(), provenance };
    let release = Release::of_provider_image("web", image, SIZE.into())?;
    let policy = Policy::default()
        .with_budget(Budget::fleet(Amount::percent_down(10), Amount::percent_up(10)))
        .with_budget(Budget::zone(Amount::percent_down(25), Amount::percent_up(25)));
    let (mut times, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let instances: Vec<Instance> = (0..SIZE)
            .map(|n| {
                Instance::new(format!("i-{n:08x}"))
                    .with_image("ami-1")
                    .with_zone(["a", "b", "c"][n as usize % 3])
            })
            .collect();
        let began = Instant::now();
        let target = Target {
            fleet: Fleet::new("web", instances)?,
            release: release.clone(),
            policy: policy.clone(),
        };
        let made = plan(std::slice::from_ref(&target))?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        black_box(&made);
        let text = serde_json::to_string(&target.fleet)?;
        let began = Instant::now();
        black_box(Fleet::from_json(text.as_bytes())?);
        reading.push(began.elapsed().as_secs_f64() * 1e3);
    }
    told("plan-10000", &mut times)?;
    told("read-10000", &mut reading)?;

    if let Some(text) = arguments.first().filter(|text| *text != "-") {
        let reference: Reference = text.parse()?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            let source = Source::open(&reference)?;
            let options = Options::default().with_selection(reference.selection());
            black_box(castline::verify(&source, &options, &Watch::none())?);
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        told("verify", &mut times)?;
    }
    Ok(())
}

fn told(what: &str, times: &mut [f64]) -> Result<(), Box<dyn Error>> {
    times.sort_by(f64::total_cmp);
    let line = serde_json::json!({"language": "rust", "what": what, "ms": times[times.len() / 2]});
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
