//! A rollout that is executed is spoken to by others, through its socket.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use castline_core::{
    Digest,
    ledger::Record,
    policy::{Gate, Policy},
    rollout::{Status, What},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::{JoinHandle, spawn_blocking},
};

use super::{
    EngineError, Executor, Options, Wanted, assert_runs, executor, executor_in, four, policy, wanted,
    world::World,
};
use crate::{
    Asked, Command, Contents, Ended, Handle, Recorded, Remote, Store, Told,
    store::tests::{
        above, place,
        simulated::{Fault, Simulated},
    },
};

/// A rollout that waits for somebody before it does anything.
struct Executed {
    store: PathBuf,
    world: Arc<World>,
    rollout: Digest,
    handle: Handle,
    told: UnboundedReceiver<Told>,
    run: JoinHandle<Result<Ended, EngineError>>,
}

fn gated() -> Policy {
    let gate: Gate = serde_json::from_value(serde_json::json!({"approval": "go"})).expect("a gate");
    policy().with_before(gate)
}

impl Executed {
    /// In a store in this folder, which waits for an answer.
    async fn in_folder(folder: &Path) -> Self {
        let world = four();
        Self::by(executor_in(folder, &world), world).await
    }

    async fn by(executor: Executor, world: Arc<World>) -> Self {
        let store = executor.store().folder().to_owned();
        let executor = executor.with_options(Options::default().with_stay(true));
        let rolling = super::begin(&executor, Wanted { policy: gated(), ..wanted("v2") }).await;
        let rolling = rolling.expect("it begins");
        let (rollout, handle) = (rolling.rollout().clone(), rolling.handle());
        let (tell, told) = unbounded_channel();
        let run = tokio::spawn(rolling.run(move |one| tell.send(one).unwrap_or_default()));
        let mut executed = Self { store, world, rollout, handle, told, run };
        executed.wait_for(|one| matches!(one, Told::Question { .. })).await;
        executed
    }

    async fn wait_for(&mut self, is_it: impl Fn(&Told) -> bool) {
        while !is_it(&self.told.recv().await.expect("it is told")) {}
    }

    /// Speaks to it as another process does.
    async fn tell(&self, command: Command) -> Result<Recorded, EngineError> {
        let (remote, rollout) = (Remote::of(&self.store), self.rollout.clone());
        spawn_blocking(move || remote.tell(&rollout, "bob", command)).await.expect("no panic")
    }

    async fn assert_refused(&self, command: Command, why: &str) {
        let refused = self.tell(command).await;
        assert!(
            matches!(&refused, Err(EngineError::Refused { reason }) if reason.contains(why)),
            "{refused:?}"
        );
    }

    async fn ended(self) -> Ended {
        let ended = self.run.await.expect("no panic").expect("it is executed");
        assert!(!self.store.join("control").exists(), "the socket goes with the rollout");
        let remote = Remote::of(&self.store).rollouts();
        assert!(matches!(remote, Err(EngineError::NotReached { .. })), "{remote:?}");
        ended
    }
}

fn go() -> Asked {
    Asked::Approval("go".into())
}

/// What a client hears that says this.
fn say(store: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(store.join("control")).expect("it is listened to");
    let _ = stream.write_all(bytes);
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("a line");
    answer
}

#[tokio::test]
async fn an_answer_is_on_the_disk_when_it_is_said_to_be_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let executed = Executed::in_folder(folder.path()).await;
    let mode = fs::metadata(executed.store.join("control")).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may speak");
    let remote = Remote::of(&executed.store);
    let rollouts = spawn_blocking(move || remote.rollouts()).await.expect("no panic").expect("it answers");
    assert_eq!(rollouts, std::slice::from_ref(&executed.rollout));

    executed.assert_refused(Command::Approve { of: Asked::Approval("stop".into()) }, "`stop`").await;
    let before = Contents::read(&executed.store, None).expect("a store").ledger().len();
    let recorded = executed.tell(Command::Approve { of: go() }).await.expect("it is recorded");
    let contents = Contents::read(&executed.store, None).expect("a store");
    assert_eq!(contents.holder().map(|holder| holder.pid), Some(std::process::id()));
    let ledger = contents.ledger().up_to(&recorded.digest).expect("it is there");
    assert_eq!((ledger.len(), recorded.entry), (before + 1, before));
    let Some(Record::Event { event, .. }) = ledger.last().map(|entry| &entry.record) else { panic!() };
    assert!(matches!(&event.what, What::Approved { by, .. } if by == "bob"), "{event:?}");
    let world = Arc::clone(&executed.world);
    assert!(executed.ended().await.is_success());
    assert_runs(&world, "v2");
}

#[tokio::test]
async fn what_would_change_nothing_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut executed = Executed::in_folder(folder.path()).await;
    let (rollout, handle) = (executed.rollout.clone(), executed.handle.clone());
    executed.assert_refused(Command::Continue, "it is not paused").await;
    executed.tell(Command::Pause).await.expect("it pauses");
    executed.wait_for(|told| matches!(told, Told::At { status: Status::Paused { .. }, .. })).await;
    executed.assert_refused(Command::Pause, "paused already: bob asked for it").await;
    executed.tell(Command::Continue).await.expect("it goes on");
    executed.assert_refused(Command::RollBack, "no other release has succeeded").await;
    let resize = |service: &str, replicas| Command::Resize { service: service.into(), replicas };
    executed.assert_refused(resize("db", 5), "not of db").await;
    executed.assert_refused(resize("web", 4), "4 already").await;
    executed.tell(resize("web", 5)).await.expect("it is resized");
    let by_nobody = Remote::of(&executed.store);
    let named = rollout.clone();
    let refused =
        spawn_blocking(move || by_nobody.tell(&named, " ", Command::Abort)).await.expect("no panic");
    assert!(
        matches!(&refused, Err(EngineError::Refused { reason }) if reason.contains("`by`")),
        "{refused:?}"
    );
    let other = Remote::of(&executed.store);
    let refused = spawn_blocking(move || other.tell(&Digest::of(b"other"), "bob", Command::Abort)).await;
    let refused = refused.expect("no panic");
    assert!(
        matches!(&refused, Err(EngineError::Refused { reason }) if reason.contains("not executed here")),
        "{refused:?}"
    );
    executed.tell(Command::Abort).await.expect("it stops");
    assert!(matches!(executed.ended().await.status, Status::Aborted { by } if by == "bob"));
    let late = handle.tell(Command::Pause, "bob").await;
    assert!(matches!(late, Err(EngineError::Refused { .. })), "{late:?}");
}

#[tokio::test]
async fn a_handle_waits_for_its_acknowledgement_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let executed = Executed::in_folder(folder.path()).await;
    let refuse = Command::Refuse { of: go(), reason: "too late in the day".into() };
    let recorded = executed.handle.tell(refuse, "bob").await.expect("it is recorded");
    let contents = Contents::read(&executed.store, None).expect("a store");
    assert!(contents.ledger().up_to(&recorded.digest).is_some());
    let state = contents.rollout(&executed.rollout).expect("a rollout");
    assert!(matches!(state.status(), Status::Paused { reason } if reason.contains("too late in the day")));
    executed.handle.tell(Command::Abort, "bob").await.expect("it stops");
    assert!(matches!(executed.ended().await.status, Status::Aborted { .. }));
}

/// Also where the disk fails at any of the calls that record it.
#[tokio::test]
async fn what_did_not_come_to_the_disk_is_not_said_to_be_recorded() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::LostSync, Fault::Kill] {
        for call in 0.. {
            let (disk, world) = (Simulated::new(above()), four());
            let store = Store::open_in(Arc::new(disk.clone()), place(), None).expect("a store");
            let executed = Executed::by(executor(store, &world), world).await;
            disk.fail_at(call, fault);
            let told = executed.handle.tell(Command::Approve { of: go() }, "bob").await;
            if told.is_ok() {
                assert!(call > 3, "two writes and two waits come before it is said: {fault:?} at {call}");
                break;
            }
            assert!(matches!(told, Err(EngineError::Unanswered { .. })), "{fault:?} at {call}: {told:?}");
            let ended = executed.run.await.expect("no panic");
            assert!(matches!(ended, Err(EngineError::Store(_))), "{ended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_neither_silence_nor_many_clients_are_in_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let executed = Executed::in_folder(folder.path()).await;
    let before = Contents::read(&executed.store, None).expect("a store").ledger().len();
    let store = executed.store.clone();
    let asked = spawn_blocking(move || {
        let long = vec![b'['; 70_000];
        for (bytes, why) in [
            (&b"hello\n"[..], "not understood"),
            (b"\xff\xfe\n", "not understood"),
            (b"\"list\" \"list\"\n", "not understood"),
            (
                b"{\"tell\":{\"rollout\":\"sha256:0\",\"by\":\"bob\",\"command\":\"pause\"}}\n",
                "not understood",
            ),
            (b"{}\n", "not understood"),
            (&long, "at most 65536 bytes"),
        ] {
            let answer = say(&store, bytes);
            assert!(answer.starts_with(r#"{"refused""#) && answer.contains(why), "{answer}");
        }
        // More than are heard at once, who say nothing, or not all of it; and some who do not stay.
        let silent: Vec<UnixStream> = (0..40)
            .map(|number| {
                let mut stream = UnixStream::connect(store.join("control")).expect("it is listened to");
                stream.write_all(&b"{\"tell\":"[..number % 9]).expect("said");
                stream
            })
            .collect();
        drop(UnixStream::connect(store.join("control")).expect("it is listened to"));
        silent
    });
    let silent = asked.await.expect("no panic");
    // The rollout itself does not notice.
    executed.handle.tell(Command::Pause, "ann").await.expect("it pauses");
    executed.tell(Command::Continue).await.expect("it is heard after them");
    let many: Vec<_> = (0..60)
        .map(|_| {
            let (remote, rollout) = (Remote::of(&executed.store), executed.rollout.clone());
            spawn_blocking(move || remote.tell(&rollout, "bob", Command::Pause).is_ok())
        })
        .collect();
    let mut recorded = 0;
    for one in many {
        recorded += u32::from(one.await.expect("no panic"));
    }
    assert_eq!(recorded, 1);
    drop(silent);
    executed.tell(Command::Abort).await.expect("it stops");
    let store = executed.store.clone();
    executed.ended().await;
    let after = Contents::read(&store, None).expect("a store").ledger().len();
    // Pause, Continue, Pause and Abort, two pauses and the end.
    assert_eq!(after - before, 4 + 3);
}

#[tokio::test]
async fn a_socket_that_a_killed_process_has_left_is_in_nobodys_way_and_what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let control = folder.path().join("store/control");
    fs::create_dir(folder.path().join("store")).expect("a folder");
    drop(UnixListener::bind(&control).expect("a socket"));
    assert!(fs::metadata(&control).expect("it is left").file_type().is_socket());
    let remote = Remote::of(folder.path().join("store")).rollouts();
    assert!(matches!(remote, Err(EngineError::NotReached { .. })), "{remote:?}");
    let executed = Executed::in_folder(folder.path()).await;
    executed.tell(Command::Abort).await.expect("it is heard");
    executed.ended().await;

    fs::write(&control, "mine").expect("written");
    let world = four();
    let executor = executor_in(folder.path(), &world);
    let rolling = super::begin(&executor, wanted("v2")).await.expect("it begins");
    let mut troubles = Vec::new();
    let ended = rolling.run(|told| {
        if let Told::Trouble { message } = told {
            troubles.push(message);
        }
    });
    assert!(ended.await.expect("it is executed").is_success());
    assert!(troubles.iter().any(|message| message.contains("is no socket")), "{troubles:?}");
    assert_eq!(fs::read(&control).expect("it is there"), b"mine");
}

#[tokio::test]
async fn a_store_may_be_deeper_than_the_path_of_a_socket_is_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("a".repeat(150)).join("b".repeat(150));
    fs::create_dir_all(&deep).expect("folders");
    let executed = Executed::in_folder(&deep).await;
    executed.tell(Command::Approve { of: go() }).await.expect("it is heard");
    assert!(executed.ended().await.is_success());
}
