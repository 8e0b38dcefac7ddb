//! What runs: instances, and fleets of them.

mod instance;
mod read;

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use instance::{Health, Instance, Integrity, Phase};

use crate::{Document, Result, canonical::invalid};

/// An immutable snapshot of a service's instances, sorted by their ids.
///
/// The order in which instances were given is forgotten, so that it can change nothing.
///
/// ```
/// use castline_core::{Document, Fleet, Instance};
///
/// let fleet = Fleet::new("web", [Instance::new("b").with_zone("z1"), Instance::new("a")])?;
/// assert_eq!(&*fleet.instances()[0].id, "a");
/// assert_eq!(Fleet::from_json(&fleet.to_canonical())?.digest(), fleet.digest());
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// The service that they are copies of.
    service: Arc<str>,
    #[serde(deserialize_with = "read::sorted")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Instance>"))]
    instances: Arc<[Instance]>,
}

impl Fleet {
    /// The fleet of these instances, in any order.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for an id that is empty or stands twice, and for a slot that two hold.
    pub fn new(service: impl Into<Arc<str>>, instances: impl IntoIterator<Item = Instance>) -> Result<Self> {
        let mut instances: Vec<Instance> = instances.into_iter().collect();
        instances.sort_by(|one, other| one.id.cmp(&other.id));
        let fleet = Self { service: service.into(), instances: instances.into() };
        fleet.validate().map_err(|reason| invalid(Self::KIND, reason))?;
        Ok(fleet)
    }

    /// The service that they are copies of.
    pub fn service(&self) -> &Arc<str> {
        &self.service
    }

    /// Its instances, sorted by their ids.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance of this id.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        let position = self.instances.binary_search_by(|instance| (*instance.id).cmp(id)).ok()?;
        self.instances.get(position)
    }
}

impl Document for Fleet {
    const KIND: &'static str = "fleet";

    fn validate(&self) -> std::result::Result<(), String> {
        if self.service.is_empty() {
            return Err("the service has no name".into());
        }
        // Sorted: one without an id comes first.
        if let Some(first) = self.instances.first() {
            first.validate()?;
        }
        for pair in self.instances.windows(2) {
            if pair[0].id == pair[1].id {
                return Err(format!("two instances have the id `{}`", pair[0].id));
            }
        }
        let mut slots = HashSet::new();
        for instance in self.instances.iter().filter(|instance| instance.is_present()) {
            if let Some(slot) = instance.slot.as_ref().filter(|slot| !slots.insert(Arc::clone(slot))) {
                return Err(format!("`{}` holds the slot `{slot}`, which another one holds", instance.id));
            }
        }
        Ok(())
    }
}
