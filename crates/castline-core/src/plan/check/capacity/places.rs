//! Which limits count an instance, by its service, zone and labels.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::super::{documents::Case, quick::Quick};
use crate::plan::Limit;

/// All that is counted by the same limits. A number, so that it is cheap to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place(pub(super) usize);

type Labels = BTreeMap<String, String>;
type Scope<'a> = (Option<&'a str>, Option<(&'a str, &'a str)>);

/// Places, and the limits that count what is there.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// For each service: the limits by zone and label.
    limits: Vec<HashMap<Scope<'a>, Vec<usize>>>,
    keys: Vec<BTreeSet<&'a str>>,
    /// By where the texts are kept, which fleets share.
    seen: Quick<(usize, *const u8, *const Labels), Place>,
    last: Option<((usize, *const u8, *const Labels), Place)>,
    known: HashMap<Vec<usize>, Place>,
    of: Vec<Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(case: &Case<'a>) -> Self {
        let mut limits = vec![HashMap::<_, Vec<_>>::new(); case.services.len()];
        let mut keys = vec![BTreeSet::new(); case.services.len()];
        for (position, Limit { of, .. }) in case.plan.limits.iter().enumerate() {
            let label = of.label.as_ref().map(|(key, value)| (&**key, &**value));
            for service in of.services.iter().filter_map(|name| case.service(name)) {
                limits[service].entry((of.zone.as_deref(), label)).or_default().push(position);
                keys[service].extend(label.map(|(key, _)| key));
            }
        }
        Self { limits, keys, seen: Quick::default(), last: None, known: HashMap::new(), of: Vec::new() }
    }

    /// The place of what has this zone and these labels. The texts live as long as the plan and the fleets, so where they
    /// are kept tells them apart.
    pub(super) fn of(&mut self, service: usize, zone: &'a Arc<str>, labels: &'a Arc<Labels>) -> Place {
        // Labels that no limit counts by tell nothing apart.
        let labelled = !self.keys[service].is_empty();
        let key = (service, zone.as_ptr(), if labelled { Arc::as_ptr(labels) } else { std::ptr::null() });
        if let Some((_, place)) = self.last.filter(|(same, _)| *same == key) {
            return place;
        }
        if let Some(&place) = self.seen.get(&key) {
            self.last = Some((key, place));
            return place;
        }
        let labels = self.keys[service].iter().filter_map(|key| Some((*key, labels.get(*key)?.as_str())));
        let mut limits = Vec::new();
        for label in std::iter::once(None).chain(labels.map(Some)) {
            for zone in [None, Some(&**zone)] {
                limits.extend(self.limits[service].get(&(zone, label)).into_iter().flatten());
            }
        }
        limits.sort_unstable();
        let place = *self.known.entry(limits).or_insert_with_key(|limits| {
            self.of.push(limits.clone());
            Place(self.of.len() - 1)
        });
        self.seen.insert(key, place);
        self.last = Some((key, place));
        place
    }

    /// The limits that count it, sorted.
    pub(super) fn limits(&self, place: Place) -> &[usize] {
        &self.of[place.0]
    }
}
