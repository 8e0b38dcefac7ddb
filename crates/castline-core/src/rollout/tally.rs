//! What each limit counts, and what is reserved of it.

use super::{
    cells::Cell,
    steps::{Launching, Retiring, State, Step},
};
use crate::plan::{Limit, Order};

/// What one limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tally {
    pub(super) present: i64,
    pub(super) available: i64,
    /// Of those present, the ones that are going.
    leaving: i64,
    /// Launches that were begun, whose instances are not there yet.
    coming: i64,
    /// Of those, the ones that were asked for.
    asked: i64,
    /// Available instances that steps are to retire, and have not asked to go.
    promised: i64,
    /// How many more will be available once what is under way is done, without what it takes away; and what stays and
    /// is not available yet.
    rise: i64,
    in_flight: i64,
}

impl Tally {
    /// Adds an instance, or takes it away.
    pub(super) fn count(&mut self, cell: &Cell, sign: i64) {
        self.present += sign * i64::from(cell.is_present());
        self.available += sign * i64::from(cell.available);
        self.leaving += sign * i64::from(cell.is_leaving());
        self.rise += sign * i64::from(cell.is_starting());
    }

    /// The most that there will be once what is going has gone and what is coming has come.
    const fn high(&self) -> i64 {
        self.present - self.leaving + self.coming
    }

    /// The least that will be available once every promise was kept.
    const fn low(&self) -> i64 {
        self.available - self.promised
    }

    /// Whether one more may be there now, besides those that were asked for and may be there already.
    pub(super) fn has_room_besides(&self, limit: &Limit) -> bool {
        limit.ceiling.is_none_or(|ceiling| self.present + self.asked < number(ceiling))
    }

    /// Whether more is under way than may be, since the limit holds at times.
    pub(super) fn is_crowded(&self, limit: &Limit) -> bool {
        limit.in_flight.is_some_and(|most| self.in_flight > number(most))
    }

    /// Whether one that is available may go now.
    pub(super) fn can_spare(&self, limit: &Limit) -> bool {
        limit.floor.is_none_or(|floor| self.available > number(floor))
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Which bound of a limit has no room for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Ceiling,
    Floor,
    InFlight,
}

/// Why a limit has no room for a step in this order; none where it has.
pub(super) fn refusal(
    tally: &Tally,
    limit: &Limit,
    (launch, retire): (bool, bool),
    order: Order,
    old_is_available: bool,
) -> Option<Refusal> {
    let up = launch && (order == Order::LaunchFirst || !retire);
    let down = retire && old_is_available && (order == Order::RetireFirst || !launch);
    // One that launches first ends when another one can be spared. If nothing that is under way makes that so, it must not
    // take the place of those that would.
    let waits = launch && retire && old_is_available && order == Order::LaunchFirst;
    if waits && limit.floor.is_some_and(|floor| tally.low() + tally.rise < number(floor)) {
        Some(Refusal::Floor)
    } else if launch && limit.ceiling.is_some_and(|ceiling| tally.high() + i64::from(up) > number(ceiling)) {
        Some(Refusal::Ceiling)
    } else if down && limit.floor.is_some_and(|floor| tally.low() - 1 < number(floor)) {
        Some(Refusal::Floor)
    } else if limit.in_flight.is_some_and(|most| tally.in_flight + 1 > number(most)) {
        Some(Refusal::InFlight)
    } else {
        None
    }
}

/// Reserves what a step may still do, or gives it back.
pub(super) fn reserve(tallies: &mut [Tally], step: &Step, old: Option<&Cell>, new: Option<&Cell>, sign: i64) {
    let State::Active { order, launch, retire } = step.state else { return };
    let old_is_available = old.is_some_and(|cell| cell.available);
    let new_is_available = new.is_some_and(|cell| cell.available);
    for effect in &*step.effects {
        let tally = &mut tallies[effect.limit as usize];
        tally.in_flight += sign * i64::from(effect.bound);
        let to_come = effect.launch && matches!(launch, Launching::Held | Launching::Asked);
        // What is launched in the place of one that is still there takes no room of its own until that one goes.
        let in_its_place = order == Order::RetireFirst && effect.retire && retire == Retiring::Held;
        tally.coming += sign * i64::from(to_come && !in_its_place);
        tally.asked += sign * i64::from(effect.launch && launch == Launching::Asked);
        let to_go = effect.retire && retire == Retiring::Held && old_is_available;
        let to_rise = effect.launch && launch != Launching::None && !new_is_available;
        let replaces = order == Order::LaunchFirst && to_go;
        tally.rise += sign * (i64::from(to_rise) - i64::from(to_rise && replaces));
        let soon = order == Order::RetireFirst || !effect.launch || new_is_available;
        tally.promised += sign * i64::from(to_go && soon);
    }
}
