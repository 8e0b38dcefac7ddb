use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{Bounds, Import, REVISION, Service, notes::Notes, read::Reason};
use crate::{Error, Fleet, Instance, Revision, drift::InstanceSpec, policy::Policy, shown};

/// Services while they are put together.
#[derive(Default)]
pub(super) struct Drafts {
    services: BTreeMap<String, Draft>,
    texts: HashSet<Arc<str>>,
    pub(super) notes: Notes,
}

/// A service while it is put together.
#[derive(Default)]
pub(super) struct Draft {
    /// What of the platform it is, to tell two of one name apart.
    origin: String,
    pub(super) instances: Vec<Instance>,
    pub(super) desired: Option<u64>,
    pub(super) bounds: Option<Bounds>,
    pub(super) policy: Option<Policy>,
    pub(super) specs: BTreeMap<Arc<str>, InstanceSpec>,
}

impl Drafts {
    /// The service of this name, which stands for what `origin` says.
    pub(super) fn service(&mut self, name: &str, origin: &str) -> Result<&mut Draft, Reason> {
        let draft = self
            .services
            .entry(name.to_owned())
            .or_insert_with(|| Draft { origin: origin.to_owned(), ..Draft::default() });
        if draft.origin == origin {
            return Ok(draft);
        }
        let mut both = [&*draft.origin, origin];
        both.sort_unstable();
        Err(format!(
            "`{}` names two services, {} and {}: ask for one of them, for qualified names, or for a label",
            shown(name),
            shown(both[0]),
            shown(both[1])
        ))
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Draft> {
        self.services.get_mut(name)
    }

    /// The text, kept once however often it comes.
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        text
    }

    /// The revision that the text, from the instance of this name, says.
    pub(super) fn revision(&mut self, text: Option<&String>, name: &str) -> Option<Revision> {
        let revision = text?.parse().ok();
        if revision.is_none() {
            self.notes
                .of(format!("its `{REVISION}` is no revision: what it was launched from is not known"), name);
        }
        revision
    }

    pub(super) fn into_import(self) -> Result<Import, Reason> {
        let mut services = BTreeMap::new();
        for (name, draft) in self.services {
            let fleet = Fleet::new(&*name, draft.instances).map_err(|error| match error {
                Error::InvalidDocument { reason, .. } => format!("the fleet `{}`: {reason}", shown(&name)),
                other => other.to_string(),
            })?;
            let Draft { desired, bounds, policy, specs, .. } = draft;
            services.insert(name, Service { fleet, desired, bounds, policy, specs });
        }
        Ok(Import { services, notes: self.notes.into_sentences() })
    }
}
