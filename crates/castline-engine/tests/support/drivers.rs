//! What every driver promises (`Driver`), as one test that each of them must pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use castline_core::{
    Health, Image, Instance, Match, Phase, Release,
    drift::{DriftReport, HealthCheck, InstanceSpec, Mount},
    plan::Disposal,
    rollout::{Action, Do, Key, What},
};
use castline_engine::{CheckMode, Driver, DriverError, Membership};
use tokio::{
    sync::mpsc::{Receiver, channel},
    time::{Instant, sleep, timeout},
};

use super::images::scripted;

/// For how long anything is waited for. Nothing takes that long unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a driver is tested with.
pub(crate) struct Subject<'a> {
    pub(crate) driver: &'a dyn Driver,
    /// A service of six instances, healthy a moment after they are launched.
    pub(crate) release: Release,
    /// Where it can be launched; three of them.
    pub(crate) zones: [&'a str; 3],
    /// Where what the traffic hook is told is added to, a membership on each line: see [`hook`]. None where instances serve nothing.
    pub(crate) told: Option<&'a Path>,
    /// What [`CheckMode`]s it has; none where instances have no files, and so are of no image that could be verified.
    pub(crate) modes: &'a [CheckMode],
    /// Does to an instance what nobody should: makes `/usr/lib/backdoor`, executable, and writes to `/etc/app.conf`.
    pub(crate) tamper: &'a dyn Fn(&str),
}

/// A traffic hook that writes down what it is told.
pub(crate) fn hook(file: &Path) -> castline_engine::TrafficHook {
    let command = ["/bin/sh", "-c", r#"(cat; echo) >>"$0""#, file.to_str().expect("text")];
    castline_engine::TrafficHook { command: command.map(str::to_owned).to_vec(), timeout_millis: 10_000 }
}

/// What the hook was told last.
pub(crate) fn told(file: &Path) -> Option<Membership> {
    let text = std::fs::read_to_string(file).ok()?;
    serde_json::from_str(text.lines().last()?).ok()
}

pub(crate) fn launch(release: &Release, zone: &str, number: usize) -> Action {
    let what = Do::Launch {
        revision: release.revision(),
        zone: zone.into(),
        slot: number.is_multiple_of(2).then(|| format!("slot-{number}").into()),
        labels: Arc::new(BTreeMap::from([("rack".to_owned(), format!("r{}", number % 2))])),
    };
    let plan = &release.revision().digest().encoded()[..8];
    Action { key: Key(format!("{plan}-0-{number}-0").into()), service: Arc::clone(release.service()), what }
}

pub(crate) fn retire(release: &Release, instance: &str, disposal: Disposal) -> Action {
    let what = Do::Retire { instance: instance.into(), disposal, drain_seconds: 2 };
    let key = Key(format!("plan-retire-{}", &instance[..instance.len().min(16)]).into());
    Action { key, service: Arc::clone(release.service()), what }
}

/// The id of what a launch has brought.
pub(crate) async fn launched(driver: &dyn Driver, action: &Action, release: &Release) -> Arc<str> {
    let answer = driver.perform(action, Some(release)).await.expect("launches");
    match &answer[..] {
        [What::Launched { key, instance }] if *key == action.key => Arc::clone(instance),
        other => panic!("{other:?}"),
    }
}

/// Waits for an event, and says which came before it.
async fn event(events: &mut Receiver<What>, mut wanted: impl FnMut(&What) -> bool) -> Vec<What> {
    let mut before = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        match timeout(left, events.recv()).await {
            Ok(Some(what)) if wanted(&what) => return before,
            Ok(Some(what)) => before.push(what),
            Ok(None) => panic!("the watch has ended; before: {before:?}"),
            Err(_) => break,
        }
    }
    panic!("it never came; before: {before:?}");
}

/// Looks at the fleet until it is as wanted.
pub(crate) async fn observed(
    driver: &dyn Driver,
    service: &str,
    wanted: impl Fn(&[Instance]) -> bool,
) -> Vec<Instance> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let fleet = driver.observe(service).await.expect("observes");
        if wanted(fleet.instances()) {
            return fleet.instances().to_vec();
        }
        assert!(Instant::now() < deadline, "it never came to be: {:#?}", fleet.instances());
        sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) fn shown(report: &DriftReport) -> Vec<String> {
    let findings = report.findings.iter();
    findings.map(|finding| format!("{} {} {}", finding.severity.name(), finding.code, finding.path)).collect()
}

/// Every promise of a driver, in one life of a service.
pub(crate) async fn conforms(subject: &Subject<'_>) {
    let Subject { driver, release, .. } = subject;
    let service = release.service();
    assert!(driver.observe(service).await.expect("observes").instances().is_empty(), "nothing is there yet");
    let (sender, mut events) = channel(1000);
    let services = [Arc::clone(service)];
    let watch = driver.watch(&services, sender);
    let life = life(subject, &mut events);
    tokio::select! {
        ended = watch => panic!("the watch has ended by itself: {ended:?}"),
        () = life => {}
    }
}

async fn life(subject: &Subject<'_>, events: &mut Receiver<What>) {
    let ids = birth(subject, events).await;
    refusals(subject).await;
    looks(subject, &ids).await;
    sickness(subject, events).await;
    death(subject, &ids, events).await;
}

/// Six instances in three zones, each asked for thrice, twice at the same time.
async fn birth(subject: &Subject<'_>, events: &mut Receiver<What>) -> Vec<Arc<str>> {
    let Subject { driver, release, zones, .. } = subject;
    let actions: Vec<Action> = (0..6).map(|number| launch(release, zones[number % 3], number)).collect();
    let mut ids: Vec<Arc<str>> = Vec::new();
    for pair in actions.chunks(2) {
        let [one, two] = pair else { panic!("pairs") };
        let (a, b, c, d) = tokio::join!(
            launched(*driver, one, release),
            launched(*driver, two, release),
            launched(*driver, one, release),
            launched(*driver, two, release),
        );
        assert_eq!((&a, &b), (&c, &d), "one key, one instance");
        ids.extend([a, b]);
    }
    for (action, id) in actions.iter().zip(&ids) {
        assert_eq!(launched(*driver, action, release).await, *id, "asked for again later");
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6);
    for id in &ids {
        // They may have become ready in any order, or before this one was waited for.
        let ready = |all: &[Instance]| all.iter().any(|one| one.id == *id && one.is_available());
        observed(*driver, release.service(), ready).await;
    }
    let mut missing: BTreeSet<Arc<str>> = ids.iter().cloned().collect();
    while !missing.is_empty() {
        let before =
            event(events, |what| matches!(what, What::Ready { instance } if missing.remove(instance)));
        for what in before.await {
            assert!(matches!(what, What::Ready { .. } | What::NotReady { .. }), "{what:?}");
        }
        // Whoever hears that an instance is ready may take another one out: it gets traffic by then.
        for id in ids.iter().filter(|id| !missing.contains(*id)) {
            assert_ne!(in_traffic(subject, id), Some(false), "{id}");
        }
        let fleet = driver.observe(release.service()).await.expect("observes");
        assert_eq!(fleet.instances().len(), 6);
    }

    let all = observed(*driver, release.service(), |all| all.iter().all(Instance::is_available)).await;
    assert_eq!(all.iter().map(|one| &one.id).collect::<BTreeSet<_>>(), ids.iter().collect());
    for (number, (action, id)) in actions.iter().zip(&ids).enumerate() {
        let one = all.iter().find(|one| one.id == *id).expect("observed");
        assert_eq!(release.matches(one), Match::Same, "{one:?}");
        assert_eq!(one.revision.as_ref(), Some(&release.revision()));
        assert_eq!(one.label(Key::LABEL), Some(&*action.key.0));
        assert_eq!(one.label("castline.service"), Some(&**release.service()));
        assert_eq!(one.label("castline.revision"), Some(&*release.revision().to_string()));
        assert_eq!(one.label("rack"), Some(&*format!("r{}", number % 2)));
        assert_eq!(&*one.zone, zones[number % 3]);
        assert_eq!(one.label("castline.zone"), Some(zones[number % 3]));
        let slot = number.is_multiple_of(2).then(|| format!("slot-{number}"));
        assert_eq!(one.slot.as_deref(), slot.as_deref());
        assert_eq!(one.label("castline.slot"), slot.as_deref());
        assert!(one.created_at.is_some() && one.ready_at >= one.created_at, "{one:?}");
    }
    if let Some(file) = subject.told {
        serve(release, &told(file).expect("the hook was told")).await;
    }
    assert!(driver.observe("another").await.expect("observes").instances().is_empty());
    ids
}

/// Six instances get traffic, and serve.
async fn serve(release: &Release, told: &Membership) {
    assert_eq!((&told.service, told.weights.len()), (release.service(), 0));
    let addresses: BTreeSet<&str> = told.endpoints.iter().map(|endpoint| &*endpoint.address).collect();
    assert_eq!(addresses.len(), 6, "{addresses:?}");
    for endpoint in &told.endpoints {
        assert_eq!(endpoint.revision, release.revision().to_string());
        assert!(fetch(&endpoint.address).await.starts_with("HTTP/1"), "{}", endpoint.address);
    }
}

/// Where an instance gets traffic, by what the hook was told last.
fn address(subject: &Subject<'_>, id: &str) -> Option<String> {
    let endpoints = told(subject.told?)?.endpoints;
    endpoints.into_iter().find(|endpoint| &*endpoint.instance == id).map(|endpoint| endpoint.address)
}

/// Whether an instance gets traffic, where any does.
fn in_traffic(subject: &Subject<'_>, id: &str) -> Option<bool> {
    subject.told.map(|_| address(subject, id).is_some())
}

/// What an instance answers to a request for its page; what went wrong, if something did.
pub(crate) async fn fetch(address: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    match timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer".into(),
    }
}

/// What cannot be launched leaves nothing behind.
async fn refusals(subject: &Subject<'_>) {
    let Subject { driver, release, zones, .. } = subject;
    let refused = |answer: Result<Vec<What>, DriverError>, action: &Action| match answer {
        Ok(answer) => match &answer[..] {
            [What::LaunchFailed { key, reason }] if *key == action.key => reason.clone(),
            other => panic!("{other:?}"),
        },
        Err(error) => {
            assert!(!error.is_temporary(), "{error}");
            error.to_string()
        }
    };
    let nowhere = launch(release, "nowhere", 90);
    let reason = refused(driver.perform(&nowhere, Some(release)).await, &nowhere);
    assert!(reason.contains("nowhere"), "{reason}");

    let manifest = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}"#;
    let stranger = Image::from_manifest(manifest).expect("a manifest").assume_verified("a test");
    let stranger = Release::new(Arc::clone(release.service()), &stranger, 1);
    let action = launch(&stranger, zones[0], 91);
    if !subject.modes.is_empty() {
        let reason = refused(driver.perform(&action, Some(&stranger)).await, &action);
        assert!(reason.contains("sha256:"), "{reason}");
    }

    // The action of one release with another one.
    let action = launch(release, zones[0], 92);
    assert!(driver.perform(&action, Some(&stranger)).await.is_err_and(|error| !error.is_temporary()));
    assert!(driver.perform(&action, None).await.is_err_and(|error| !error.is_temporary()));
    assert_eq!(driver.observe(release.service()).await.expect("observes").instances().len(), 6);
}

/// Untouched instances are clean, a touched one is not.
async fn looks(subject: &Subject<'_>, ids: &[Arc<str>]) {
    let Subject { driver, release, modes, tamper, .. } = subject;
    for mode in *modes {
        for id in ids {
            let report = driver.check(id, release, *mode).await.expect("looks");
            assert!(report.is_clean(), "{mode:?} {id}: {:?}", shown(&report));
        }
    }
    if modes.is_empty() {
        return;
    }
    tamper(&ids[0]);
    for mode in *modes {
        let report = driver.check(&ids[0], release, *mode).await.expect("looks");
        assert!(report.drifted, "{mode:?}");
        let found = shown(&report);
        assert!(found.contains(&"critical added usr/lib/backdoor".to_owned()), "{mode:?} {found:?}");
        assert!(found.iter().any(|it| it.ends_with("modified etc/app.conf")), "{mode:?} {found:?}");
        assert!(driver.check(&ids[1], release, *mode).await.expect("looks").is_clean(), "the others are not");
    }
    let nobody = driver.check("nobody", release, CheckMode::Full).await;
    assert!(nobody.is_err_and(|error| !error.is_temporary()));
}

/// The release, as one that never gets ready, and as one that ends by itself.
pub(crate) fn sick(release: &Release) -> [Release; 2] {
    let health = HealthCheck {
        interval_millis: 200,
        timeout_millis: 2000,
        retries: 2,
        ..HealthCheck::new(["/bin/sh", "-c", "exit 1"])
    };
    [scripted(release, "while :; do sleep 1; done", Some(health)), scripted(release, "exit 3", None)]
}

/// Instances that never get ready, and those that end by themselves, fail for good and stay.
async fn sickness(subject: &Subject<'_>, events: &mut Receiver<What>) {
    let Subject { driver, release, zones, .. } = subject;
    for (number, release) in (93..).zip(sick(release)) {
        let id = launched(*driver, &launch(&release, zones[1], number), &release).await;
        event(
            events,
            |what| matches!(what, What::Failed { instance, reason } if *instance == id && !reason.is_empty()),
        )
        .await;
        let all = driver.observe(release.service()).await.expect("observes");
        let one = all.instance(&id).expect("it is still there");
        assert_eq!((one.phase, one.health), (Phase::Running, Health::Failed), "{number}");
        // Asked for again, it is still that one: what has failed is not restarted.
        assert_eq!(launched(*driver, &launch(&release, zones[1], number), &release).await, id);
        gone(subject, &id).await;
        event(events, |what| matches!(what, What::Gone { instance } if *instance == id)).await;
    }
}

async fn gone(subject: &Subject<'_>, id: &Arc<str>) {
    let Subject { driver, release, .. } = subject;
    let action = retire(release, id, Disposal::End);
    for _ in 0..2 {
        let answer = driver.perform(&action, None).await.expect("retires");
        assert_eq!(answer, [What::Gone { instance: Arc::clone(id) }], "as often as it is asked for");
    }
    let fleet = driver.observe(release.service()).await.expect("observes");
    assert!(fleet.instance(id).is_none(), "{id} is still there");
}

/// Retired: out of traffic, then ended, or kept.
async fn death(subject: &Subject<'_>, ids: &[Arc<str>], events: &mut Receiver<What>) {
    let Subject { driver, release, .. } = subject;
    let shift = Action {
        key: Key("plan-0-shift-0-0".into()),
        service: Arc::clone(release.service()),
        what: Do::Shift { revision: release.revision(), weight: 30 },
    };
    let answer = driver.perform(&shift, Some(release)).await.expect("shifts");
    assert_eq!(answer, [What::Shifted { key: shift.key.clone() }]);

    for (id, disposal) in [(&ids[0], Disposal::Isolate), (&ids[1], Disposal::Quarantine)] {
        assert_ne!(in_traffic(subject, id), Some(false));
        let address = address(subject, id);
        let action = retire(release, id, disposal);
        for _ in 0..2 {
            let answer = driver.perform(&action, None).await.expect("retires");
            assert_eq!(answer, [What::Quarantined { instance: Arc::clone(id) }]);
            assert_ne!(in_traffic(subject, id), Some(true));
        }
        if let Some(address) = address {
            assert!(!fetch(&address).await.starts_with("HTTP/1"), "it does not go on in quarantine");
        }
        let fleet = driver.observe(release.service()).await.expect("observes");
        assert_eq!(fleet.instance(id).map(|one| one.phase), Some(Phase::Quarantined));
    }
    if !subject.modes.is_empty() {
        // What was kept can still be looked at.
        let report = driver.check(&ids[0], release, CheckMode::Full).await.expect("looks");
        assert!(report.drifted, "{:?}", shown(&report));
        let report = driver.check(&ids[1], release, CheckMode::Full).await.expect("looks");
        assert!(report.is_clean(), "{:?}", shown(&report));
    }
    for id in ids {
        gone(subject, id).await;
        assert_ne!(in_traffic(subject, id), Some(true));
    }
    event(events, |what| matches!(what, What::Gone { instance } if *instance == ids[5])).await;
    let stranger: Arc<str> = "never-there".into();
    gone(subject, &stranger).await;
    let fleet = driver.observe(release.service()).await.expect("observes");
    let mut left = String::new();
    for one in fleet.instances() {
        let _ = writeln!(left, "{one:?}");
    }
    assert!(left.is_empty(), "{left}");
}

/// A release with mounts: where, of what, and whether it is only to be read.
pub(crate) fn with_mounts<const N: usize>(release: &Release, mounts: [(&str, &str, bool); N]) -> Release {
    let mount = |(target, source, read_only): (&str, &str, bool)| {
        (target.to_owned(), Mount { source: source.to_owned(), read_only })
    };
    let spec = InstanceSpec { mounts: Some(mounts.map(mount).into()), ..release.spec().clone() };
    release.clone().with_spec(spec)
}

/// What an instance of the next test does: it says once it is done.
const USE_MOUNTS: &str = r"cat /fixed/file >/data/seen
echo changed >/fixed/file
touch /fixed/new
cat /one >/data/one
touch /volume/written
cat /data/seen >/data/done
while :; do sleep 1; done";

/// What a release mounts is there, as it says, is no drift, and outlives the instance. `volume` is one that the platform keeps itself.
pub(crate) async fn mounts(
    driver: &dyn Driver,
    release: &Release,
    folder: &Path,
    volume: Option<&str>,
    modes: &[CheckMode],
) {
    let place = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    for name in ["data", "fixed", "volume"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    std::fs::write(folder.join("fixed/file"), "as it was\n").expect("writes");
    let own = place("volume");
    let scripted = scripted(release, USE_MOUNTS, None);
    let scripted = with_mounts(
        &scripted,
        [
            ("/data", &place("data"), false),
            ("/fixed", &place("fixed"), true),
            ("/one", &place("fixed/file"), true),
            ("/volume", volume.unwrap_or(&own), false),
        ],
    );
    let id = launched(driver, &launch(&scripted, "a", 0), &scripted).await;
    let deadline = Instant::now() + PATIENCE;
    while read("data/done").is_empty() {
        assert!(Instant::now() < deadline, "it was never done");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!([read("data/seen"), read("data/one"), read("fixed/file")], ["as it was\n"; 3]);
    assert!(!folder.join("fixed/new").exists());
    assert_eq!(folder.join("volume/written").exists(), volume.is_none());
    for mode in modes {
        let report = driver.check(&id, &scripted, *mode).await.expect("looks");
        assert!(report.is_clean(), "{mode:?} {:?}", shown(&report));
    }
    driver.perform(&retire(release, &id, Disposal::End), None).await.expect("retires");
    assert_eq!([read("data/seen"), read("fixed/file")], ["as it was\n"; 2], "what was mounted outlives it");
}
