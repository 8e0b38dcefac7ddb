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
    pub(super) fn groups(&self, services: &[Arc<str>]) -> Vec<(Arc<dyn Driver>, Arc<[Arc<str>]>)> {
        let mut groups: Vec<(&Arc<dyn Driver>, Vec<Arc<str>>)> = Vec::new();
        for service in services {
            let driver = self.of(service);
            match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, driver)) {
                Some((_, with_it)) => with_it.push(Arc::clone(service)),
                None => groups.push((driver, vec![Arc::clone(service)])),
            }
        }
        groups.into_iter().map(|(driver, services)| (Arc::clone(driver), services.into())).collect()
    }
}
