use std::{collections::BTreeMap, sync::Arc};

use crate::Driver;

/// Which driver a service's instances are with.
#[derive(Clone, Debug)]
pub(super) struct Drivers {
    of_others: Arc<dyn Driver>,
    of: BTreeMap<Arc<str>, Arc<dyn Driver>>,
}

impl Drivers {
    pub(super) fn new(driver: Arc<dyn Driver>) -> Self {
        Self { of_others: driver, of: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, service: Arc<str>, driver: Arc<dyn Driver>) {
        self.of.insert(service, driver);
    }

    pub(super) fn of(&self, service: &str) -> &Arc<dyn Driver> {
        self.of.get(service).unwrap_or(&self.of_others)
    }

    /// Each driver of these services, once, with those that are with it.
    pub(super) fn groups(&self, services: &[Arc<str>]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for driver in services.iter().map(|service| self.of(service)) {
            if groups.iter().all(|group| !Arc::ptr_eq(&group.driver, driver)) {
                let with_it = services.iter().filter(|service| Arc::ptr_eq(self.of(service), driver));
                groups.push(Group { driver: Arc::clone(driver), services: with_it.cloned().collect() });
            }
        }
        groups
    }
}

/// A driver, and the services that are with it.
pub(super) struct Group {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) services: Arc<[Arc<str>]>,
}
