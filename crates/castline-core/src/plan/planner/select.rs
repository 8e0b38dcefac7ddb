//! Which instances go, and how many come.

use std::collections::HashSet;

use crate::{
    fleet::{Health, Instance, Integrity, Phase},
    plan::{Constraint, Infeasible, InfeasibleCode, Reason, Target},
    policy::{Compromised, Select},
    release::Match,
};

/// An instance that goes, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Victim<'a> {
    pub(super) instance: &'a Instance,
    pub(super) reason: Reason,
    /// Whether losing it costs nothing: it does no work, or is to do none from now on.
    pub(super) down: bool,
}

/// What becomes of a fleet.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    pub(super) victims: Vec<Victim<'a>>,
    pub(super) kept: Vec<&'a Instance>,
    /// How many instances there are in the end.
    pub(super) desired: u64,
    /// How many are compromised.
    pub(super) compromised: u64,
}

pub(super) fn select(target: &Target) -> Result<Selection<'_>, Infeasible> {
    let named: HashSet<&str> = match &target.policy.select {
        Select::Named(ids) => {
            for id in ids {
                let found = target.fleet.instance(id).filter(|instance| is_live(instance));
                if found.is_none() {
                    return Err(unknown(target, id));
                }
            }
            ids.iter().map(String::as_str).collect()
        }
        Select::Except(ids) => ids.iter().map(String::as_str).collect(),
        Select::Drifted | Select::Broken => HashSet::new(),
    };
    let mut matcher = target.release.matcher();
    let (mut victims, mut kept, mut compromised) = (Vec::new(), Vec::new(), 0);
    for instance in target.fleet.instances().iter().filter(|instance| is_live(instance)) {
        let is_compromised = instance.integrity == Integrity::Compromised;
        compromised += u64::from(is_compromised);
        let drift = match matcher.next(instance) {
            _ if is_compromised => Some(Reason::Compromised),
            _ if instance.health == Health::Failed => Some(Reason::Failed),
            Match::OtherImage => Some(Reason::Image),
            Match::OtherSpec => Some(Reason::Config),
            Match::Same => None,
        };
        let reason = match &target.policy.select {
            Select::Drifted => drift,
            Select::Named(_) => named.contains(&*instance.id).then(|| drift.unwrap_or(Reason::Named)),
            Select::Except(_) => drift.filter(|_| !named.contains(&*instance.id)),
            Select::Broken => drift.filter(|reason| matches!(reason, Reason::Compromised | Reason::Failed)),
        };
        match reason {
            Some(reason) => victims.push(Victim { instance, reason, down: is_down(target, instance) }),
            None => kept.push(instance),
        }
    }
    let desired = match target.policy.select {
        Select::Drifted | Select::Except(_) => target.release.replicas(),
        Select::Named(_) | Select::Broken => (victims.len() + kept.len()) as u64,
    };
    Ok(Selection { victims, kept, desired, compromised })
}

/// Whether it is there to stay, unless something is done.
pub(crate) fn is_live(instance: &Instance) -> bool {
    !matches!(instance.phase, Phase::Terminating | Phase::Quarantined)
}

pub(super) fn is_down(target: &Target, instance: &Instance) -> bool {
    let isolated =
        target.policy.compromised == Compromised::Isolate && instance.integrity == Integrity::Compromised;
    isolated || !instance.is_available()
}

fn unknown(target: &Target, id: &str) -> Infeasible {
    let name = format!("select of the policy of {}", target.release.service());
    Infeasible {
        code: InfeasibleCode::UnknownInstance,
        what: format!("`{id}` is to be replaced, and no such instance is in the fleet"),
        conflict: vec![Constraint::new(name, format!("names `{id}`"))],
    }
}
