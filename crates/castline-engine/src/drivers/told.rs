//! What was told of a fleet, so that only what changes is told.

use std::{collections::BTreeMap, sync::Arc};

use castline_core::{Fleet, Health, Phase, rollout::What};

/// How each instance was when it was last told of.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<Arc<str>, Option<Health>>);

impl Told {
    /// What is new. `reason` says why an instance has failed.
    pub(super) fn changes(&mut self, fleet: &Fleet, reason: impl Fn(&str) -> String) -> Vec<What> {
        let mut changes = Vec::new();
        let mut seen = BTreeMap::new();
        for instance in fleet.instances() {
            let health = (instance.phase == Phase::Running).then_some(instance.health);
            let id = Arc::clone(&instance.id);
            seen.insert(Arc::clone(&id), health);
            if self.0.get(&id) == Some(&health) {
                continue;
            }
            changes.extend(match health {
                Some(Health::Ready) => Some(What::Ready { instance: id }),
                Some(Health::Failed) => Some(What::Failed { reason: reason(&id), instance: id }),
                Some(_) => Some(What::NotReady { instance: id }),
                None => None,
            });
        }
        let gone = self.0.keys().filter(|id| !seen.contains_key(*id));
        changes.extend(gone.map(|id| What::Gone { instance: Arc::clone(id) }));
        self.0 = seen;
        changes
    }
}

#[cfg(test)]
mod tests {
    use castline_core::Instance;

    use super::*;

    #[test]
    fn only_what_changes_is_told() {
        let mut told = Told::default();
        let mut tell = |instances: &[Instance]| {
            let fleet = Fleet::new("web", instances.iter().cloned()).expect("a fleet");
            let changes = told.changes(&fleet, |id| format!("{id} fell over"));
            changes.iter().map(|what| serde_json::to_string(what).expect("JSON")).collect::<Vec<_>>()
        };
        let (a, b) = (Instance::new("a"), Instance::new("b").with_phase(Phase::Pending));
        assert_eq!(tell(&[a.clone(), b.clone()]), [r#"{"type":"ready","instance":"a"}"#]);
        assert!(tell(&[a.clone(), b.clone()]).is_empty());
        let failed = b.with_phase(Phase::Running).with_health(Health::Failed);
        assert_eq!(
            tell(&[a.with_phase(Phase::Quarantined), failed.clone()]),
            [r#"{"type":"failed","instance":"b","reason":"b fell over"}"#]
        );
        assert_eq!(tell(&[failed]), [r#"{"type":"gone","instance":"a"}"#]);
    }
}
