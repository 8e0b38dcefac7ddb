//! What a rollout is told by somebody who waits for an answer.

use castline_core::{
    Time,
    plan::Target,
    policy::Select,
    rollout::{Do, Event, Rollout, Status, What},
};

use crate::{Asked, Command};

/// The event that a command is to a rollout which has come so far; or why it is none. What would change nothing is refused, so that
/// whoever said it does not take it for done.
pub(super) fn event(command: &Command, by: &str, state: &Rollout, now: Time) -> Result<Event, Box<str>> {
    if state.status().is_end() {
        return Err("it is over".into());
    }
    let by = by.to_owned();
    let what = match command {
        Command::Approve { of } => What::Approved { key: question(of, state)?, by },
        Command::Refuse { of, reason } => {
            What::Refused { key: question(of, state)?, by, reason: reason.clone() }
        }
        Command::Pause => What::Pause { by, reason: String::new() },
        Command::Continue => What::Continue { by },
        Command::Abort => What::Abort { by },
        Command::RollBack => What::RollBack { by },
        Command::Resize { service, replicas } => {
            let mut services = state.targets().iter().map(|target| target.release.service());
            if services.all(|known| known != service) {
                return Err(format!("it is not of {service}").into());
            }
            What::Resize { service: service.clone(), replicas: *replicas, by }
        }
    };
    let told = |what: What| state.clone().on(&Event { at: now, what });
    if told(what.clone()) == told(What::Tick) {
        return Err(nothing(command, state).into());
    }
    Ok(Event { at: now, what })
}

/// The key of what is asked.
fn question(asked: &Asked, state: &Rollout) -> Result<castline_core::rollout::Key, Box<str>> {
    let found = state.next().actions.into_iter().find(|action| match (&action.what, asked) {
        (Do::Ask { .. }, Asked::Key(key)) => action.key == *key,
        (Do::Ask { approval }, Asked::Approval(name)) => approval == name,
        _ => false,
    });
    let name = match asked {
        Asked::Key(key) => &*key.0,
        Asked::Approval(name) => name,
    };
    found
        .map(|action| action.key)
        .ok_or_else(|| format!("it does not ask for `{name}` now{}", questions(state)).into())
}

/// What a rollout asks, to be said after that it does not ask something else.
pub(super) fn questions(state: &Rollout) -> String {
    let asked = state.next().actions.into_iter().filter_map(|action| match action.what {
        Do::Ask { approval } => Some(format!("`{approval}`")),
        _ => None,
    });
    match asked.collect::<Vec<_>>().as_slice() {
        [] => ", nor for anything else".to_owned(),
        asked => format!(": it asks for {}", asked.join(", ")),
    }
}

/// Why a rollout that is not over cannot be taken back.
pub(super) fn no_way_back(state: &Rollout) -> String {
    let mends = |target: &Target| target.policy.select == Select::Broken;
    match state.status() {
        status if status.is_end() => "it is over".into(),
        Status::RollingBack { reason } => format!("it goes back already: {reason}"),
        _ if !state.fallback().is_empty() => "it goes back already, and has not got to the end".into(),
        _ if state.targets().iter().all(mends) => {
            "it only replaces what is broken: there is nothing to go back to".into()
        }
        _ => "no other release has succeeded that it could go back to".into(),
    }
}

/// Why a command changes nothing.
fn nothing(command: &Command, state: &Rollout) -> String {
    match (command, state.status()) {
        (Command::Pause, Status::Paused { reason }) => format!("it is paused already: {reason}"),
        (Command::Continue, _) => "it is not paused".into(),
        (Command::RollBack, _) => no_way_back(state),
        (Command::Resize { replicas, .. }, _) => format!("there are to be {replicas} already"),
        _ => "it would change nothing".into(),
    }
}
