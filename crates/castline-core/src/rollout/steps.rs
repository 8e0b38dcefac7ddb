//! The replacements of a rollout, and how far each is.

use std::sync::Arc;

use super::cells::Counted;
use crate::plan::{Order, Replacement};

/// A replacement under execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) replacement: Replacement,
    /// The stage that it belongs to; none for one that the rollout added itself, to make up for what was lost.
    pub(super) stage: Option<u32>,
    pub(super) service: u32,
    pub(super) effects: Arc<[Effect]>,
    /// The limits that count what it launches.
    pub(super) launched: Counted,
    /// The instance that it retires.
    pub(super) old: Option<u32>,
    pub(super) state: State,
    /// How many launches were tried before.
    pub(super) attempt: u32,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Waiting,
    Active { order: Order, launch: Launching, retire: Retiring },
    Done,
    Failed,
}

/// How far the launching half is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Launching {
    /// Nothing is launched.
    None,
    /// Not asked for yet.
    Held,
    /// Asked for; nobody has answered.
    Asked,
    /// There is an instance.
    Up(u32),
}

/// How far the retiring half is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Retiring {
    /// Nothing is retired, or not any more.
    Over,
    /// Not asked for yet.
    Held,
    /// Asked for; it is still there.
    Asked,
}

/// What a step does to one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Effect {
    pub(super) limit: u32,
    pub(super) launch: bool,
    pub(super) retire: bool,
    /// Whether the limit is about steps of this reason; it counts the others, too.
    pub(super) bound: bool,
}

impl Step {
    pub(super) const fn is_active(&self) -> bool {
        matches!(self.state, State::Active { .. })
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Failed)
    }

    /// Whether it was begun, and nothing was asked for yet.
    pub(super) fn is_untouched(&self) -> bool {
        let State::Active { order, launch, retire } = self.state else { return false };
        let launch_is_new = launch == Launching::Held && self.attempt == 0;
        match retire {
            Retiring::Held => launch_is_new || launch == Launching::None,
            // The old one is gone by itself, or there was none.
            Retiring::Over => launch_is_new && order == Order::LaunchFirst,
            Retiring::Asked => false,
        }
    }

    /// Whether nobody has answered yet what became of a launch.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Active { launch: Launching::Asked, .. })
    }
}
