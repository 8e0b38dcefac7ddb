use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Object,
    pod::Pod,
    workload::{Workload, amount},
};
use crate::{
    import::{
        draft::Drafts,
        read::{At, Reason},
    },
    policy::{Budget, Policy, Round, Scope},
    shown,
};

/// Adds the budget to the policies of the services whose pods it selects.
pub(super) fn budget(
    object: &Object<'_>,
    workloads: &[Workload<'_>],
    pods: &[Pod<'_>],
    drafts: &mut Drafts,
) -> Result<(), Reason> {
    let at = object.at();
    let name = format!("PodDisruptionBudget {}", object.shown());
    let spec = at.object("spec")?;
    let selector = Selector::of(&spec)?;
    // Both are rounded up (`GetScaledValueFromIntOrPercent` in the disruption controller).
    let min_available = amount(&spec, "minAvailable", Round::Up)?;
    let max_unavailable = amount(&spec, "maxUnavailable", Round::Up)?;
    let floor = match (min_available, max_unavailable) {
        (Some(_), Some(_)) => {
            return Err(spec.fault("`minAvailable` and `maxUnavailable` exclude one another"));
        }
        (None, None) => {
            drafts.notes.of("it states no amount, and is left out", &name);
            return Ok(());
        }
        _ => Budget { min_available, max_unavailable, ..Budget::default() },
    };

    let (mut whole, mut others) = (BTreeSet::new(), BTreeSet::new());
    let mut sort = |namespace, labels, service| {
        let selected = namespace == object.namespace && selector.matches(labels);
        if selected { whole.insert(service) } else { others.insert(service) }
    };
    for workload in workloads {
        sort(workload.namespace, &workload.labels, &*workload.service);
    }
    // What no workload tells, pods do.
    let told: HashSet<&str> = workloads.iter().map(|workload| &*workload.service).collect();
    for pod in pods.iter().filter(|pod| !told.contains(&*pod.service)) {
        sort(pod.namespace, &pod.labels, &*pod.service);
    }
    if whole.is_empty() {
        drafts.notes.of("it selects no pods of these services, and is left out", &name);
        return Ok(());
    }
    if whole.intersection(&others).next().is_some() {
        drafts
            .notes
            .of("it selects a part of the pods of a service, which no budget says, and is left out", &name);
        return Ok(());
    }
    let scope = match whole.len() {
        1 => Scope::Fleet,
        _ => Scope::Services(whole.iter().map(|service| (*service).to_owned()).collect()),
    };
    let floor = Budget { scope, ..floor }.with_name(&*name);
    for service in whole {
        if let Some(draft) = drafts.get_mut(service) {
            let policy = draft.policy.take().unwrap_or_else(|| Policy::default().with_service(service));
            draft.policy = Some(policy.with_budget(floor.clone()));
        }
    }
    Ok(())
}

/// A label selector.
struct Selector {
    /// `None` selects nothing.
    labels: Option<BTreeMap<String, String>>,
    expressions: Vec<(String, Operator, Vec<String>)>,
}

enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    fn of(spec: &At<'_, '_>) -> Result<Self, Reason> {
        if spec.member("selector").is_none() {
            return Ok(Self { labels: None, expressions: Vec::new() });
        }
        let selector = spec.object("selector")?;
        let labels = Some(selector.texts("matchLabels")?);
        let mut expressions = Vec::new();
        for item in selector.items("matchExpressions")? {
            let at = item.at().as_object()?;
            let operator = match at.required("operator")? {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(at.fault(format_args!("`{}` is no operator", shown(other)))),
            };
            expressions.push((at.required("key")?.into(), operator, at.words("values")?.unwrap_or_default()));
        }
        Ok(Self { labels, expressions })
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let Some(wanted) = &self.labels else { return false };
        let holds = |(key, operator, values): &(String, Operator, Vec<String>)| {
            let value = labels.get(key);
            let listed = value.is_some_and(|value| values.contains(value));
            match operator {
                Operator::In => listed,
                Operator::NotIn => !listed,
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        };
        wanted.iter().all(|(key, value)| labels.get(key) == Some(value)) && self.expressions.iter().all(holds)
    }
}
