//! What runs.

use std::{collections::BTreeMap, sync::Arc};

use castline::{Health, Integrity, Phase};
use pyo3::{prelude::*, pybacked::PyBackedStr, types::PyIterator};

use crate::{
    documents::{Texts, document_class},
    error::{self, OrRaise as _},
    exit, json,
    texts::{Revision, Time},
    work,
};

/// A member of an enumeration by its name in JSON.
fn named<T: serde::de::DeserializeOwned>(py: Python<'_>, member: &str, name: &str) -> PyResult<T> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|reason| error::of_code(py, "INVALID_DOCUMENT", &format!("instance: {member}: {reason}")))
}

/// The name in JSON of a member of an enumeration.
fn name(value: &impl serde::Serialize) -> PyResult<String> {
    Ok(json::text(value)?.trim_matches('"').to_owned())
}

json::record_class! {
    /// One instance of a service, as it is now.
    Instance(castline::Instance), "instance", |instance| {
        let zone = if instance.zone.is_empty() { String::new() } else { format!(" in {}", instance.zone) };
        let (phase, health) = (name(&instance.phase), name(&instance.health));
        format!("{}{zone} {} {}", instance.id, phase.unwrap_or_default(), health.unwrap_or_default())
    }, {
        /// An instance; by default it runs and is ready.
        #[new]
        #[pyo3(signature = (
            id, *, image = "", revision = None, zone = "", slot = None, phase = "running", health = "ready",
            integrity = "unknown", created_at = None, ready_at = None, deletion_cost = None, labels = None,
        ))]
        #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
        fn new(
            py: Python<'_>,
            id: &str,
            image: &str,
            revision: Option<&Revision>,
            zone: &str,
            slot: Option<&str>,
            phase: &str,
            health: &str,
            integrity: &str,
            created_at: Option<&Time>,
            ready_at: Option<&Time>,
            deletion_cost: Option<i32>,
            labels: Option<Texts>,
        ) -> PyResult<Self> {
            let mut instance = castline::Instance::new(id).with_image(image).with_zone(zone);
            if phase != "running" {
                instance = instance.with_phase(named::<Phase>(py, "phase", phase)?);
            }
            if health != "ready" {
                instance = instance.with_health(named::<Health>(py, "health", health)?);
            }
            if integrity != "unknown" {
                instance = instance.with_integrity(named::<Integrity>(py, "integrity", integrity)?);
            }
            if let Some(revision) = revision {
                instance = instance.with_revision(revision.0.clone());
            }
            if let Some(slot) = slot {
                instance = instance.with_slot(slot);
            }
            if let Some(at) = created_at {
                instance = instance.with_created_at(at.0);
            }
            if let Some(at) = ready_at {
                instance = instance.with_ready_at(at.0);
            }
            if let Some(cost) = deletion_cost {
                instance = instance.with_deletion_cost(cost);
            }
            if let Some(labels) = labels.filter(|labels| !labels.0.is_empty()) {
                instance.labels = Arc::new(labels.0);
            }
            instance.checked().or_raise(py).map(Self)
        }

        /// What names it on its platform; it never names another one.
        #[getter]
        fn id(&self) -> &str {
            &self.0.id
        }

        /// The image that it runs, as its platform says it.
        #[getter]
        fn image(&self) -> &str {
            &self.0.image
        }

        /// The revision that it was launched from, where it is known.
        #[getter]
        fn revision(&self) -> Option<Revision> {
            self.0.revision.clone().map(Revision)
        }

        /// Where it is.
        #[getter]
        fn zone(&self) -> &str {
            &self.0.zone
        }

        /// The slot that it holds, if any.
        #[getter]
        fn slot(&self) -> Option<&str> {
            self.0.slot.as_deref()
        }

        /// `pending`, `running`, `terminating` or `quarantined`.
        #[getter]
        fn phase(&self) -> PyResult<String> {
            name(&self.0.phase)
        }

        /// `ready`, `notReady`, `failed` or `unknown`.
        #[getter]
        fn health(&self) -> PyResult<String> {
            name(&self.0.health)
        }

        /// `unknown`, `intact` or `compromised`.
        #[getter]
        fn integrity(&self) -> PyResult<String> {
            name(&self.0.integrity)
        }

        /// When it was launched, where that is known.
        #[getter]
        fn created_at(&self) -> Option<Time> {
            self.0.created_at.map(Time)
        }

        /// Since when it has been ready, without a break, where that is known.
        #[getter]
        fn ready_at(&self) -> Option<Time> {
            self.0.ready_at.map(Time)
        }

        /// What it costs to lose it, against the others: lower goes first.
        #[getter]
        fn deletion_cost(&self) -> i32 {
            self.0.deletion_cost
        }

        /// Its labels.
        #[getter]
        fn labels(&self) -> BTreeMap<String, String> {
            (*self.0.labels).clone()
        }
    }
}

document_class! {
    /// The instances of a service.
    Fleet(castline::Fleet), |fleet| {
        format!("of {}, {} instances", fleet.service(), fleet.instances().len())
    }, {
        /// The fleet of these instances, in any order.
        #[new]
        fn new(py: Python<'_>, service: &str, instances: &Bound<'_, PyAny>) -> PyResult<Self> {
            let all = exit::within(|| {
                let mut all = Vec::with_capacity(instances.len().unwrap_or(0));
                for instance in instances.try_iter()? {
                    all.push(instance?.cast::<Instance>()?.get().0.clone());
                }
                Ok(all)
            })?;
            work::apart(py, || castline::Fleet::new(service, all))?.or_raise(py).map(Self)
        }

        /// The service.
        #[getter]
        fn service(&self) -> &str {
            self.0.service()
        }

        /// Its instances, sorted by their ids.
        #[getter]
        fn instances(&self) -> Vec<Instance> {
            self.0.instances().iter().cloned().map(Instance).collect()
        }

        /// The instance of this id; none where there is none.
        fn get(&self, id: &str) -> Option<Instance> {
            self.0.instance(id).cloned().map(Instance)
        }

        fn __len__(&self) -> usize {
            self.0.instances().len()
        }

        /// Whether an instance of this id is in it, or this very instance: one that is equal in all that it says.
        fn __contains__(&self, item: &Bound<'_, PyAny>) -> bool {
            if let Ok(instance) = item.cast::<Instance>() {
                let wanted = &instance.get().0;
                return self.0.instance(&wanted.id) == Some(wanted);
            }
            item.extract().is_ok_and(|id: PyBackedStr| self.0.instance(&id).is_some())
        }

        fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
            pyo3::types::PyList::new(py, self.instances())?.try_iter()
        }
    }
}
