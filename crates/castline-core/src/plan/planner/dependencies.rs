//! Which services come after which.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::unknown;
use crate::plan::{Constraint, Infeasible, InfeasibleCode, Target};

/// The services in an order in which each comes after those that it waits for; by name where nothing is stated.
pub(super) fn ordered(targets: &[&Target]) -> Result<Vec<usize>, Infeasible> {
    let number: BTreeMap<&str, usize> =
        targets.iter().enumerate().map(|(number, target)| (&**target.release.service(), number)).collect();
    let mut waits: Vec<BTreeSet<usize>> = Vec::with_capacity(targets.len());
    for target in targets {
        let known = |name: &String| match number.get(&**name) {
            Some(number) => Ok(*number),
            None => Err(unknown(target.release.service(), "`after` in the policy", name)),
        };
        waits.push(target.policy.after.iter().map(known).collect::<Result<_, _>>()?);
    }
    let (mut order, mut done) = (Vec::with_capacity(targets.len()), BTreeSet::new());
    while order.len() < targets.len() {
        let ready =
            (0..targets.len()).find(|number| !done.contains(number) && waits[*number].is_subset(&done));
        let Some(ready) = ready else { return Err(cycle(targets, &waits, &done)) };
        done.insert(ready);
        order.push(ready);
    }
    Ok(order)
}

/// One cycle among those that are not done: from any of them, waiting leads into one.
fn cycle(targets: &[&Target], waits: &[BTreeSet<usize>], done: &BTreeSet<usize>) -> Infeasible {
    let name = |number: usize| &**targets[number].release.service();
    let mut path = vec![(0..targets.len()).find(|number| !done.contains(number)).unwrap_or(0)];
    let start = loop {
        let last = path[path.len() - 1];
        let Some(next) = waits[last].iter().find(|number| !done.contains(number)) else { break 0 };
        if let Some(start) = path.iter().position(|number| number == next) {
            break start;
        }
        path.push(*next);
    };
    let cycle = &path[start..];
    let conflict = cycle.iter().enumerate().map(|(position, number)| {
        let next = cycle[(position + 1) % cycle.len()];
        Constraint::new(format!("the policy of {}", name(*number)), format!("comes after {}", name(next)))
    });
    Infeasible {
        code: InfeasibleCode::DependencyCycle,
        what: format!("{} waits for itself", name(cycle[0])),
        conflict: conflict.collect(),
    }
}
