//! The worker in Rust: does what `compare.py` asks of it, line by line, and says how long it took.

use std::{
    error::Error,
    hint::black_box,
    io::{self, BufRead as _, Write as _},
    sync::Arc,
    time::Instant,
};

use castline::{
    Fleet, Instance, Options, ProviderImage, Release, Watch,
    plan::{Target, plan},
    policy::{Amount, Budget, Policy},
    sources::{Reference, Source},
};

const INSTANCES: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let stdin = io::stdin();
    for line in stdin.lock().lines() {
        let line = line?;
        let (task, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let began = Instant::now();
        match task {
            "verify" => verify(rest)?,
            "plan" => {
                let objects = instances();
                return_time(rest.parse()?, || planned(objects.clone()))?;
                continue;
            }
            "make" => {
                return_time(rest.parse()?, || planned(instances()))?;
                continue;
            }
            _ => return Err(format!("no task is called {task}").into()),
        }
        answer(began)?;
    }
    Ok(())
}

fn return_time(times: u32, mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    for _ in 0..times {
        work()?;
    }
    answer(began)
}

fn answer(began: Instant) -> Result<(), Box<dyn Error>> {
    println!("{{\"wall\": {}}}", began.elapsed().as_secs_f64());
    Ok(io::stdout().flush()?)
}

fn verify(image: &str) -> Result<(), Box<dyn Error>> {
    let reference: Reference = image.parse()?;
    let options = Options::default().with_selection(reference.selection());
    let source = Source::open_watched(&reference, &options.limits, &Watch::none())?;
    let done = castline::verify(&source, &options, &Watch::none())?;
    if done.report.is_complete() { Ok(()) } else { Err("the image is not intact".into()) }
}

fn instances() -> Vec<Instance> {
    let zones: [Arc<str>; 3] = ["a", "b", "c"].map(Arc::from);
    let image: Arc<str> = "ami-1".into();
    let instance = |number: u64, zone: &Arc<str>| {
        Instance::new(format!("i-{number:08x}")).with_zone(Arc::clone(zone)).with_image(Arc::clone(&image))
    };
    (0..INSTANCES).zip(zones.iter().cycle()).map(|(number, zone)| instance(number, zone)).collect()
}

fn planned(instances: Vec<Instance>) -> Result<(), Box<dyn Error>> {
    let image = ProviderImage {
        provider: "aws".into(),
        id: "ami-2".into(),
        provenance: [("builder".to_owned(), "packer".to_owned())].into(),
    };
    let target = Target {
        fleet: Fleet::new("web", instances)?,
        release: Release::of_provider_image("web", image, INSTANCES)?,
        policy: Policy::default()
            .with_budget(Budget::fleet(Amount::percent_down(10), Amount::percent_up(10)))
            .with_budget(Budget::zone(Amount::percent_down(25), Amount::percent_up(25))),
    };
    black_box(plan(&[target]).map_err(|infeasible| infeasible.to_string())?);
    Ok(())
}
