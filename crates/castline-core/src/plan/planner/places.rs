//! Where instances are, as far as limits tell places apart.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// A service, a zone, and the labels that limits count by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) service: usize,
    pub(super) zone: Arc<str>,
    pub(super) labels: Arc<BTreeMap<String, String>>,
}

/// What a place has: before the plan, and in the end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// Instances that hold a place of the service.
    pub(super) present: i64,
    /// Of these, those that are going already.
    pub(super) leaving: i64,
    /// Instances that do the service's work.
    pub(super) available: i64,
    /// Instances that stay, and are not available yet.
    pub(super) starting: i64,
    /// Instances in the end.
    pub(super) desired: i64,
}

/// Every place, with its number.
#[derive(Debug, Default)]
pub(super) struct Places {
    numbers: HashMap<Place, u32>,
    pub(super) list: Vec<Place>,
    pub(super) counts: Vec<Count>,
    last: Option<u32>,
}

impl Places {
    /// The number of a place.
    pub(super) fn number(
        &mut self,
        service: usize,
        zone: &Arc<str>,
        labels: &Arc<BTreeMap<String, String>>,
    ) -> u32 {
        // Instances that follow one another are mostly in the same place.
        if let Some(number) = self.last {
            let last = &self.list[number as usize];
            let alike = last.service == service
                && (Arc::ptr_eq(&last.zone, zone) || last.zone == *zone)
                && (Arc::ptr_eq(&last.labels, labels) || last.labels == *labels);
            if alike {
                return number;
            }
        }
        let place = Place { service, zone: Arc::clone(zone), labels: Arc::clone(labels) };
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(place.clone()).or_insert_with(|| {
            self.list.push(place);
            self.counts.push(Count::default());
            next
        });
        self.last = Some(number);
        number
    }

    pub(super) fn count(&mut self, number: u32) -> &mut Count {
        &mut self.counts[number as usize]
    }
}
