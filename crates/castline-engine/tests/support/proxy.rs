//! A load balancer that sends each connection to the next instance, and is told by a hook which there are.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use castline_engine::{Membership, TrafficHook};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// What it knows.
#[derive(Default)]
struct State {
    members: Vec<String>,
    next: usize,
    /// Connections that are open, by where they lead.
    open: BTreeMap<String, usize>,
    told: Vec<Membership>,
}

/// A load balancer. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

/// What the hook does: it hands over what it is told, and waits until that has been taken.
const HAND_OVER: &str = r#"cat >"$0.new" && mv "$0.new" "$0" && while [ -e "$0" ]; do sleep 0.01; done"#;

/// The hook that tells the proxy which looks for `file`.
pub(crate) fn hook(file: &Path) -> TrafficHook {
    let command = ["/bin/sh", "-c", HAND_OVER, file.to_str().expect("text")];
    TrafficHook { command: command.map(str::to_owned).to_vec(), timeout_millis: 30_000 }
}

impl Proxy {
    pub(crate) async fn start(file: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state)));
        tasks.spawn(obey(file, Arc::clone(&state)));
        Self { address, state, _tasks: tasks }
    }

    /// All that it was told so far.
    pub(crate) fn told(&self) -> Vec<Membership> {
        self.state.lock().expect("no panic").told.clone()
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut client, _)) = listener.accept().await else { continue };
        // Chosen and counted at once, so that who is taken out has no connection afterwards.
        let chosen = {
            let mut state = state.lock().expect("no panic");
            state.next += 1;
            let count = state.members.len().max(1);
            let chosen = state.members.get(state.next % count).cloned();
            if let Some(chosen) = &chosen {
                *state.open.entry(chosen.clone()).or_default() += 1;
            }
            chosen
        };
        let Some(chosen) = chosen else { continue };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(&chosen).await {
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
            *state.lock().expect("no panic").open.entry(chosen).or_default() -= 1;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Takes what the hook hands over, and lets it go on once that holds: nothing is open any more to who was taken out.
async fn obey(file: PathBuf, state: Arc<Mutex<State>>) {
    loop {
        sleep(Duration::from_millis(5)).await;
        let Ok(text) = fs::read(&file) else { continue };
        let membership: Membership = serde_json::from_slice(&text).expect("a membership");
        let members: Vec<String> =
            membership.endpoints.iter().map(|endpoint| endpoint.address.clone()).collect();
        {
            let mut state = state.lock().expect("no panic");
            state.members.clone_from(&members);
            state.told.push(membership);
        }
        let drained = || {
            let state = state.lock().expect("no panic");
            state.open.iter().all(|(address, count)| *count == 0 || members.contains(address))
        };
        while !drained() {
            sleep(Duration::from_millis(5)).await;
        }
        fs::remove_file(&file).expect("it is there");
    }
}
