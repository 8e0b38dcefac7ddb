//! Whoever executes a rollout ends at each call of the store, and at each point of the driver; the next one goes on. The end is
//! the same, nothing is launched twice, and no instance is left over.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use castline_core::ledger::Outcome;
use tokio::runtime::{Builder, Runtime};

use super::{World, assert_runs, begin, executor, four, outcomes, under_way_first, wanted};
use crate::{
    Contents, Ended, EngineError, Store,
    store::tests::{
        above, place,
        simulated::{Crash, Fault, Simulated},
    },
};

/// Begins the rollout, or goes on with it; none where it was killed on the way, or the store was lost to it.
async fn live(files: &Simulated, world: &Arc<World>) -> Option<Ended> {
    let Ok(store) = Store::open_in(Arc::new(files.clone()), place(), None) else { return None };
    let store = Arc::new(store);
    let kept = Arc::downgrade(&store);
    let life = async {
        let executor = executor(store, world);
        let rolling = match under_way_first(&executor) {
            Some(rollout) => executor.resume(&rollout, "ann").await?,
            None => begin(&executor, wanted("v2")).await?,
        };
        rolling.run(|_| ()).await
    };
    let ended = tokio::select! {
        biased;
        () = world.killed() => {
            files.kill();
            None
        }
        ended = life => match ended {
            Ok(ended) => Some(ended),
            Err(EngineError::Store(_)) => None,
            Err(other) => panic!("{other}"),
        },
    };
    // A write that was under way when its process was killed ends with it.
    while kept.strong_count() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    ended
}

/// A machine, its disk, and the platform, which goes on whatever becomes of processes.
struct Lab {
    runtime: Runtime,
    files: Simulated,
    world: Arc<World>,
}

impl Lab {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        Self { runtime: runtime.expect("a runtime"), files: Simulated::new(above()), world: four() }
    }

    /// One life of a process.
    fn run(&self) -> Option<Ended> {
        self.runtime.block_on(live(&self.files, &self.world))
    }

    fn boundaries(&self) -> u64 {
        self.world.boundaries.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        let contents = Contents::read_from(Arc::new(self.files.clone()), place(), None);
        contents.is_ok_and(|contents| outcomes(contents.ledger()).contains(&Outcome::Succeeded))
    }

    /// After the crash: one life more, and all is as it should be.
    fn assert_ends_well(&self, what: &str) {
        self.world.kill_at(u64::MAX);
        if !self.is_over() {
            let ended = self.run().unwrap_or_else(|| panic!("{what}: it does not go on"));
            assert!(ended.is_success(), "{what}: {ended:?}");
        }
        assert!(self.is_over(), "{what}");
        assert_runs(&self.world, "v2");
        let state = self.world.state();
        assert!(state.made.values().all(|made| *made == 1), "{what}: {:?}", state.made);
        assert_eq!(state.made.len(), 4, "{what}: {:?}", state.made);
    }
}

#[test]
fn killed_at_any_call_of_the_store_it_goes_on_to_the_same_end() {
    let lab = Lab::new();
    assert!(lab.run().expect("it ends").is_success());
    let calls = lab.files.calls();
    let mut killed = 0;
    for call in 0..calls + 20 {
        for crash in [Crash::Process, Crash::Nothing, Crash::Some(call)] {
            let lab = Lab::new();
            lab.files.fail_at(call, Fault::Kill);
            killed += u64::from(lab.run().is_none());
            lab.files.restart(crash);
            lab.assert_ends_well(&format!("killed at call {call} of {calls}, {crash:?}"));
        }
    }
    assert!(calls > 60 && killed > calls, "{calls} {killed}");
}

#[test]
fn killed_at_any_point_of_the_driver_and_once_more_it_goes_on_to_the_same_end() {
    let lab = Lab::new();
    assert!(lab.run().expect("it ends").is_success());
    let boundaries = lab.boundaries();
    let mut killed = 0;
    for boundary in 0..boundaries {
        for (crash, again) in [(Crash::Process, 1), (Crash::Nothing, 2), (Crash::Nothing, 5)] {
            let lab = Lab::new();
            lab.world.kill_at(boundary);
            killed += u64::from(lab.run().is_none());
            lab.files.restart(crash);
            if !lab.is_over() {
                lab.world.kill_at(lab.boundaries() + again);
                lab.run();
                lab.files.restart(crash);
            }
            lab.assert_ends_well(&format!("killed at point {boundary} of {boundaries}, {crash:?}"));
        }
    }
    assert!(boundaries >= 16 && killed > 2 * boundaries, "{boundaries} {killed}");
}
