//! A process that executes a rollout is killed (`SIGKILL`) at each of its steps: each event that it has recorded, and each point
//! before and after what its driver does. Another one goes on: the end is the same, nothing is launched twice, and no
//! instance is left over.
//!
//! The process is this test again. It says each step to its parent over a socket, and waits to be let go on.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

mod documents;

use castline_core::{
    Fleet, Instance, Release,
    ledger::{Outcome, Record},
    rollout::{Action, Do, Key, What},
};
use castline_engine::{Contents, Doing, Driver, DriverError, Executor, Store, Told, under_way};
use tokio::sync::mpsc::Sender;

use documents::{assert_runs, wanted, write_old};

/// Where the process finds its world, and its parent.
const PLACE: &str = "CASTLINE_TEST_KILL_FOLDER";

/// The parent, which says when to go on.
#[derive(Debug)]
struct Steps(Mutex<UnixStream>);

impl Steps {
    fn step(&self) {
        let mut stream = self.0.lock().expect("one thread");
        stream.write_all(b"s").expect("the parent listens");
        stream.read_exact(&mut [0]).expect("the parent answers");
    }
}

/// A platform that is a folder: each instance a file, and a log of those that were made.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    steps: Arc<Steps>,
}

fn fleet(folder: &Path) -> Fleet {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let documents = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let instance = |path: PathBuf| -> Instance {
        let text = fs::read(&path).expect("a file");
        let document: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        serde_json::from_value(document["instance"].clone()).expect("an instance")
    };
    Fleet::new("web", documents.map(instance)).expect("a fleet")
}

impl Folder {
    fn launch(&self, action: &Action, release: &Release) -> std::io::Result<Vec<What>> {
        let Do::Launch { zone, .. } = &action.what else { panic!("a launch") };
        let id = format!("i-{}", action.key);
        let path = self.path.join(format!("{id}.json"));
        if !path.exists() {
            let log = fs::OpenOptions::new().append(true).create(true).open(self.path.join("launched"));
            writeln!(log?, "{}", action.key)?;
            let castline_core::ReleaseImage::Verified { identities, .. } = release.image() else {
                panic!("a verified image");
            };
            let instance = Instance::new(&*id)
                .with_image(identities.manifest.as_ref().expect("a digest").to_string())
                .with_revision(release.revision())
                .with_zone(Arc::clone(zone))
                .with_label(Key::LABEL, &*action.key.0);
            let draft = self.path.join("draft");
            fs::write(&draft, serde_json::json!({"service": "web", "instance": instance}).to_string())?;
            fs::rename(draft, path)?;
        }
        let instance: Arc<str> = id.into();
        let launched = What::Launched { key: action.key.clone(), instance: Arc::clone(&instance) };
        Ok(vec![launched, What::Ready { instance }])
    }

    fn retire(&self, instance: &Arc<str>) -> std::io::Result<Vec<What>> {
        match fs::remove_file(self.path.join(format!("{instance}.json"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(vec![What::Gone { instance: Arc::clone(instance) }]),
        }
    }
}

impl Driver for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn observe<'a>(&'a self, _: &'a str) -> Doing<'a, Fleet> {
        Box::pin(async {
            self.steps.step();
            Ok(fleet(&self.path))
        })
    }

    fn watch<'a>(&'a self, _: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(async move {
            events.closed().await;
            Ok(())
        })
    }

    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>> {
        Box::pin(async move {
            self.steps.step();
            let done = match &action.what {
                Do::Launch { .. } => self.launch(action, release.expect("the release is given")),
                Do::Retire { instance, .. } => self.retire(instance),
                other => panic!("{other:?}"),
            };
            self.steps.step();
            done.map_err(DriverError::temporary)
        })
    }
}

/// What the process does: it begins the rollout, or goes on with it.
#[test]
fn the_process_that_is_killed() {
    let Some(place) = env::var_os(PLACE).map(PathBuf::from) else { return };
    let stream = UnixStream::connect(place.join("steps")).expect("the parent listens");
    let steps = Arc::new(Steps(Mutex::new(stream)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let driver = Arc::new(Folder { path: place.join("fleet"), steps: Arc::clone(&steps) });
        let executor = Executor::new(Store::open(place.join("store")).expect("a store"), driver);
        let rolling = match under_way(&executor.store().ledger()).first() {
            Some(one) => executor.resume(&one.rollout, "ann").await.expect("it goes on"),
            None => {
                let prepared = executor.prepare(&[wanted("v2")]).await.expect("there is a plan");
                steps.step();
                executor.apply(prepared, "ann").await.expect("it begins")
            }
        };
        let tell = |told: Told| {
            if matches!(told, Told::Happened { .. } | Told::Observed { .. } | Told::Ended { .. }) {
                steps.step();
            }
        };
        assert!(rolling.run(tell).await.expect("it is executed").is_success());
    });
}

/// One life of the process, until it has made so many steps, or ends. Says how many it made.
fn live(place: &Path, most: u64) -> u64 {
    let socket = place.join("steps");
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).expect("a socket");
    let mut child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "the_process_that_is_killed", "--test-threads", "1"])
        .env(PLACE, place)
        .stdout(Stdio::null())
        .spawn()
        .expect("this test runs");
    let (mut stream, _) = listener.accept().expect("it connects");
    let mut steps = 0;
    while stream.read(&mut [0]).is_ok_and(|read| read == 1) {
        steps += 1;
        if steps > most {
            child.kill().expect("it runs");
            break;
        }
        stream.write_all(b"g").expect("it waits");
    }
    let status = child.wait().expect("it ends");
    assert!(status.success() || steps > most, "after {steps} steps: {status}");
    steps
}

#[test]
fn killed_at_any_of_its_steps_another_process_goes_on_to_the_same_end() {
    let mut killed = 0_u64;
    loop {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path();
        write_old(&place.join("fleet"));
        let steps = live(place, killed);
        let is_over = || {
            let contents = Contents::read(place.join("store"), None).ok()?;
            let last = contents.ledger().last().map(|entry| entry.record.clone());
            Some(matches!(last, Some(Record::Outcome { outcome: Outcome::Succeeded, .. })))
        };
        if is_over() != Some(true) {
            live(place, u64::MAX);
        }
        assert_eq!(is_over(), Some(true), "killed at step {killed}");
        assert_runs(&fleet(&place.join("fleet")), "v2");
        let launched = fs::read_to_string(place.join("fleet/launched")).expect("a log");
        let mut keys: Vec<&str> = launched.lines().collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((keys.len(), launched.lines().count()), (4, 4), "killed at step {killed}: {launched}");
        if steps <= killed {
            break;
        }
        killed += 1;
    }
    assert!(killed > 25, "{killed} steps");
}
