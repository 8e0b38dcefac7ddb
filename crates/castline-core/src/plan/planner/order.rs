//! The order of victims: a total one, so that the same fleet gives the same plan in whatever order it is listed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use super::select::Victim;
use crate::{
    fleet::Instance,
    plan::Reason,
    policy::{Policy, Preference},
};

/// One part of the key that preferences sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'a> {
    Number(i64),
    Text(&'a str),
    Last,
}

/// A victim, and the group of the barriers that it is in: groups are done one after the other.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) victim: Victim<'a>,
    pub(super) group: u32,
    /// Its place in the order.
    pub(super) rank: usize,
}

/// Victims in their order: barriers; other preferences; compromised, failed, not ready, drifted; from the zone with
/// the most instances left; the oldest; by id.
pub(super) fn in_order<'a>(
    victims: Vec<Victim<'a>>,
    policy: &Policy,
    zones: &mut Zones<'a>,
) -> Vec<Placed<'a>> {
    let (barriers, others): (Vec<_>, Vec<_>) =
        policy.order.iter().partition(|preference| preference.is_barrier());
    let key = |victim: &Victim<'a>| -> (Vec<Rank<'a>>, Vec<Rank<'a>>, u8) {
        let ranks = |of: &[&Preference]| of.iter().map(|one| rank(one, victim.instance)).collect();
        (ranks(&barriers), ranks(&others), class(victim))
    };
    let mut keyed: Vec<_> = victims.into_iter().map(|victim| (key(&victim), victim)).collect();
    keyed.sort_by(|(one, first), (other, second)| {
        one.cmp(other).then_with(|| age(first.instance).cmp(&age(second.instance)))
    });
    let (mut placed, mut group) = (Vec::with_capacity(keyed.len()), 0);
    let mut rest = keyed.as_slice();
    let mut last: Option<&Vec<Rank>> = None;
    while let Some((first, _)) = rest.first() {
        if last.is_some_and(|last| *last != first.0) {
            group += 1;
        }
        last = Some(&first.0);
        let alike = rest.partition_point(|(key, _)| key <= first);
        zones.interleave(&rest[..alike], |victim| {
            let rank = placed.len();
            placed.push(Placed { victim, group, rank });
        });
        rest = &rest[alike..];
    }
    placed
}

/// The oldest first, those of an unknown age last; then by id.
fn age(instance: &Instance) -> (bool, Option<crate::Time>, &str) {
    (instance.created_at.is_none(), instance.created_at, &instance.id)
}

fn class(victim: &Victim) -> u8 {
    match victim.reason {
        Reason::Compromised => 0,
        Reason::Failed => 1,
        _ if victim.down => 2,
        _ => 3,
    }
}

fn rank<'a>(preference: &Preference, instance: &'a Instance) -> Rank<'a> {
    let has = |key: &str, value: &str| instance.label(key) == Some(value);
    match preference {
        Preference::Last { key, value } => Rank::Number(i64::from(has(key, value))),
        Preference::First { key, value } => Rank::Number(i64::from(!has(key, value))),
        Preference::OneByOne(key) => instance.label(key).map_or(Rank::Last, Rank::Text),
        Preference::ZoneByZone => Rank::Text(&instance.zone),
        Preference::DeletionCost => Rank::Number(i64::from(instance.deletion_cost)),
        Preference::Oldest => instance.created_at.map_or(Rank::Last, |at| Rank::Number(at.as_millis())),
        Preference::Newest => instance.created_at.map_or(Rank::Last, |at| Rank::Number(-at.as_millis())),
        Preference::HighestSlot => match instance.slot.as_deref().and_then(ordinal) {
            Some((_, number)) => Rank::Number(i64::try_from(number).map_or(i64::MIN, |number| -number)),
            None => Rank::Last,
        },
    }
}

/// The number that a slot ends in, and what stands before it.
pub(super) fn ordinal(slot: &str) -> Option<(&str, u64)> {
    let digits = slot.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (prefix, number) = slot.split_at(slot.len() - digits);
    Some((prefix, number.parse().ok()?))
}

/// How many instances each zone has left.
#[derive(Debug, Default)]
pub(super) struct Zones<'a>(BTreeMap<&'a str, u64>);

impl<'a> Zones<'a> {
    pub(super) fn of(instances: impl Iterator<Item = &'a Instance>) -> Self {
        let mut zones = Self::default();
        for instance in instances {
            *zones.0.entry(&instance.zone).or_default() += 1;
        }
        zones
    }

    /// Takes one after the other from the zone that has the most left; of two, from the one that is named first.
    fn interleave<K>(&mut self, alike: &[(K, Victim<'a>)], mut take: impl FnMut(Victim<'a>)) {
        let mut queues: BTreeMap<&str, VecDeque<Victim>> = BTreeMap::new();
        for (_, victim) in alike {
            queues.entry(&victim.instance.zone).or_default().push_back(*victim);
        }
        let left = |zones: &Self, zone: &str| zones.0.get(zone).copied().unwrap_or_default();
        let mut heap: BinaryHeap<_> = queues.keys().map(|zone| (left(self, zone), Reverse(*zone))).collect();
        while let Some((count, Reverse(zone))) = heap.pop() {
            let Some(queue) = queues.get_mut(zone) else { continue };
            let Some(victim) = queue.pop_front() else { continue };
            take(victim);
            let count = count.saturating_sub(1);
            if let Some(left) = self.0.get_mut(zone) {
                *left = count;
            }
            if !queue.is_empty() {
                heap.push((count, Reverse(zone)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_ends_in_a_number() {
        for (slot, expected) in [
            ("web-0", Some(("web-", 0))),
            ("web-12", Some(("web-", 12))),
            ("7", Some(("", 7))),
            ("web", None),
            ("", None),
            ("web-99999999999999999999", None),
        ] {
            assert_eq!(ordinal(slot), expected, "{slot}");
        }
    }
}
