//! Programs as drivers: the example, and some that misbehave.

mod documents;
mod support;

use std::{fs, path::Path, sync::Arc, time::Duration};

use castline_core::rollout::{Status, What};
use castline_engine::{CommandDriver, Driver as _, Executor, Options, Store, Told};

use documents::{assert_runs, release, wanted, write_old};
use support::{drivers, run};

fn example(folder: &Path) -> CommandDriver {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver.py");
    CommandDriver::new("python3", [program.to_string_lossy(), folder.to_string_lossy()]).with_name("example")
}

/// A shell script as a driver, which is given a folder of its own.
fn script(text: &str, folder: &Path) -> CommandDriver {
    CommandDriver::new("sh", ["-c", text, "script", &folder.to_string_lossy()])
        .with_name("script")
        .with_timeout(Duration::from_secs(20))
}

#[tokio::test]
async fn the_example_rolls_a_fleet_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = folder.path().join("fleet");
    write_old(&fleet);
    fs::write(fleet.join("refuse"), "").expect("written");
    let driver = Arc::new(example(&fleet));
    let store = Store::open(folder.path().join("store")).expect("a store");
    let executor = Executor::new(store, driver);
    let prepared = executor.prepare(&[wanted("v2")]).await.expect("there is a plan");
    let rolling = executor.apply(prepared, "ann").await.expect("it begins");
    let room = fleet.join("refuse");
    let ended = rolling.run(|told| {
        if let Told::Again { reason, .. } = told {
            assert!(reason.contains("no room"), "{reason}");
            let _ = fs::remove_file(&room);
        }
    });
    let ended = ended.await.expect("it is executed");
    assert!(ended.is_success(), "{ended:?}");
    assert_runs(&executor.observe("web").await.expect("a fleet"), "v2");
    let launched = fs::read_to_string(fleet.join("launched")).expect("a log");
    assert_eq!(launched.lines().count(), 4);
}

/// The promises of every driver, as far as a platform without files and traffic can break them.
#[test]
fn the_example_keeps_every_promise() {
    let folder = tempfile::tempdir().expect("a folder");
    let driver = example(folder.path());
    let release = release("v1");
    let broken = drivers::sick(&release).map(|sick| sick.revision().to_string());
    fs::write(folder.path().join("broken"), broken.join("\n")).expect("written");
    fs::write(folder.path().join("zones"), "a b c").expect("written");
    run(drivers::conforms(&drivers::Subject {
        driver: &driver,
        release,
        zones: ["a", "b", "c"],
        told: None,
        modes: &[],
        tamper: &|_| (),
    }));
}

#[tokio::test]
async fn the_example_tells_what_happens_and_what_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    write_old(folder.path());
    let driver = Arc::new(example(folder.path()));
    let (events, mut heard) = tokio::sync::mpsc::channel(16);
    let watching = Arc::clone(&driver);
    let watch = tokio::spawn(async move { watching.watch(&["web".into()], events).await });
    for _ in 0..4 {
        assert!(matches!(heard.recv().await, Some(What::Ready { .. })));
    }
    fs::remove_file(folder.path().join("old-2.json")).expect("removed");
    assert_eq!(heard.recv().await, Some(What::Gone { instance: "old-2".into() }));
    drop(heard);
    watch.await.expect("it ends").expect("well");
    let release = release("v1");
    let check = driver.check("old-1", &release, castline_engine::CheckMode::Full).await;
    let error = check.expect_err("it cannot do that");
    assert!(!error.is_temporary() && error.to_string().contains("cannot do that"), "{error}");
}

#[tokio::test]
async fn a_program_that_writes_nonsense_is_named_with_the_line_and_started_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"
        if [ -e "$1/again" ]; then
            while read -r line; do echo '{"id": 2, "fleet": {"service": "web", "instances": []}}'; done
        fi
        touch "$1/again"
        read -r line; echo '{"id": 77, "events": []}'; echo 'what?'; read -r line"#;
    let driver = script(text, folder.path());
    let error = driver.observe("web").await.expect_err("nonsense");
    let text = error.to_string();
    assert!(error.is_temporary() && text.contains("line 2") && text.contains("`what?`"), "{text}");
    assert_eq!(driver.observe("web").await.expect("a fleet").instances().len(), 0);
}

#[tokio::test]
async fn what_is_no_answer_is_said_to_be_none() {
    for (answer, end, expected) in [
        (r#"{"id": 1}"#, "\\n", "none of"),
        (r#"{"id": 1, "events": [], "fleet": {"service": "web", "instances": []}}"#, "\\n", "more than one"),
        (r#"{"id": 1, "event": [], "x": 1}"#, "\\n", "line 1"),
        (r#"{"id": 1, "fleet": {"service": "web", "instances": [{"id": "a"}, {"id": "a"}]"#, "\\n", "line 1"),
        (r#"{"id": 1, "events": []}"#, "\\n", "something else than `fleet`"),
        (r#"{"id": 1, "error": {"message": "not today"}}"#, "\\n", "not today"),
        (r#"{"id": 1, "fleet"#, "", "within a line"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let driver =
            script(&format!("read -r line; printf '%s{end}' '{answer}'; exec sleep 0.1"), folder.path());
        let text = driver.observe("web").await.expect_err("no fleet").to_string();
        assert!(text.contains(expected), "{answer}: {text}");
    }
}

#[tokio::test]
async fn a_program_that_ends_again_and_again_is_not_started_without_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let driver = script("echo x >> \"$1/starts\"; exit 3", folder.path());
    let mut last = String::new();
    for _ in 0..12 {
        let error = driver.observe("web").await.expect_err("it ends");
        assert!(error.is_temporary());
        last = error.to_string();
    }
    assert!(last.contains("in a row"), "{last}");
    let starts = fs::read_to_string(folder.path().join("starts")).expect("a log").lines().count();
    assert!((1..=5).contains(&starts), "{starts}");
    let missing = CommandDriver::new("there-is-no-such-program", [""; 0]);
    assert!(!missing.observe("web").await.expect_err("it is not there").is_temporary());
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let driver = script("cat > \"$1/asked\"", folder.path()).with_timeout(Duration::from_millis(200));
    let error = driver.observe("web").await.expect_err("no answer");
    assert!(error.is_temporary() && error.to_string().contains("no answer within 200 ms"), "{error}");
    // It is told that nobody waits any more.
    let asked = folder.path().join("asked");
    for _ in 0..200 {
        if fs::read_to_string(&asked).is_ok_and(|text| text.contains("cancel")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", fs::read_to_string(&asked));
}

#[tokio::test]
async fn instances_that_fail_stop_the_rollout() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = folder.path().join("fleet");
    write_old(&fleet);
    fs::write(fleet.join("broken"), release("v2").revision().to_string()).expect("written");
    let store = Store::open(folder.path().join("store")).expect("a store");
    let options = Options::default().with_observe_every(Duration::from_millis(100));
    let executor = Executor::new(store, Arc::new(example(&fleet))).with_options(options);
    let prepared = executor.prepare(&[wanted("v2")]).await.expect("there is a plan");
    let rolling = executor.apply(prepared, "ann").await.expect("it begins");
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(matches!(&ended.status, Status::Paused { .. }), "{ended:?}");
}
