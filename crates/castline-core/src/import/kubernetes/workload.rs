use std::collections::BTreeMap;

use super::{Cluster, Object, owner};
use crate::{
    import::{
        draft::Drafts,
        read::{At, Reason},
    },
    policy::{Amount, Budget, Policy, Preference, Round, Select, Strategy},
    shown,
};

/// A Deployment, a `StatefulSet`, a `DaemonSet`, or a `ReplicaSet` of its own.
pub(super) struct Workload<'a> {
    pub(super) namespace: &'a str,
    pub(super) service: String,
    /// The labels of the pods that it makes.
    pub(super) labels: BTreeMap<String, String>,
    policy: Option<Policy>,
    desired: Option<u64>,
    /// The lowest ordinal that a `StatefulSet` replaces.
    partition: u64,
}

/// Reads a workload, and begins its service; `None` for other objects.
pub(super) fn workload<'a>(
    object: &Object<'a>,
    cluster: &Cluster<'_>,
    drafts: &mut Drafts,
) -> Result<Option<Workload<'a>>, Reason> {
    let at = object.at();
    match object.kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => {}
        "ReplicaSet" if owner::controller(&at)?.is_none() => {}
        _ => return Ok(None),
    }
    let name = format!("{} {}", object.kind, object.shown());
    let (metadata, spec) = (at.object("metadata")?, at.object("spec")?);
    let template = spec.object("template")?;
    let pod_metadata = template.object("metadata")?;
    let labels = pod_metadata.texts("labels")?;
    let mut all = metadata.texts("labels")?;
    all.extend(labels.clone());
    let Some(service) = cluster.options.service(object.namespace, Some(object.name), &all) else {
        drafts.notes.of("it has no label that names its service, and is left out", &name);
        return Ok(None);
    };
    let desired = match object.kind {
        "DaemonSet" => at.object("status")?.count("desiredNumberScheduled")?,
        // What the API server puts where nothing is stated.
        _ => Some(spec.count("replicas")?.unwrap_or(1)),
    };
    let replicas = desired.unwrap_or(0);
    let mut partition = 0;
    let mut policy = match object.kind {
        "Deployment" => Some(deployment(&spec, replicas)?),
        "StatefulSet" => {
            let strategy = spec.object("updateStrategy")?;
            let rolling = strategy.object("rollingUpdate")?;
            partition = rolling.count("partition")?.unwrap_or(0);
            let policy = on_update(&strategy, &rolling, Round::Down, replicas)?;
            policy.map(|policy| policy.with_preference(Preference::HighestSlot))
        }
        "DaemonSet" => {
            let strategy = spec.object("updateStrategy")?;
            on_update(&strategy, &strategy.object("rollingUpdate")?, Round::Up, replicas)?
        }
        _ => None,
    };
    if policy.is_none() {
        drafts.notes.of("it is replaced only when somebody deletes its pods: it gives no policy", &name);
    }
    if let Some(policy) = &mut policy {
        policy.service = Some(service.clone());
        policy.min_ready_seconds = spec.count("minReadySeconds")?.unwrap_or(0);
        let pod_spec = template.object("spec")?;
        policy.drain_seconds =
            pod_spec.count("terminationGracePeriodSeconds")?.unwrap_or(policy.drain_seconds);
    }
    if spec.boolean("paused")? == Some(true) {
        drafts.notes.of("it is paused: somebody does not want it to be replaced now", &name);
    }
    if partition > 0 {
        drafts
            .notes
            .of(format!("it replaces ordinals from {partition} on: the policy leaves the others"), &name);
    }
    let origin = cluster.options.origin(object.kind, object.namespace, object.name);
    drafts.service(&service, &origin).map_err(|reason| at.fault(reason))?;
    Ok(Some(Workload { namespace: object.namespace, service, labels, policy, desired, partition }))
}

/// What the API server puts where a Deployment does not state how far it may go.
const DEFAULT: Amounts = Amounts { surge: Amount::percent_up(25), unavailable: Amount::percent_down(25) };

struct Amounts {
    surge: Amount,
    unavailable: Amount,
}

/// The strategy of a Deployment (`ResolveFenceposts` and the defaults of apps/v1).
fn deployment(spec: &At<'_, '_>, replicas: u64) -> Result<Policy, Reason> {
    let strategy = spec.object("strategy")?;
    let mut policy = match strategy.text("type")? {
        None | Some("RollingUpdate") => {
            let rolling = strategy.object("rollingUpdate")?;
            Policy::default().with_budget(rolling_budget(
                &Amounts {
                    surge: amount(&rolling, "maxSurge", Round::Up)?.unwrap_or(DEFAULT.surge),
                    unavailable: amount(&rolling, "maxUnavailable", Round::Down)?
                        .unwrap_or(DEFAULT.unavailable),
                },
                replicas,
            ))
        }
        Some("Recreate") => Policy::default().with_strategy(Strategy::Recreate),
        Some(other) => {
            return Err(strategy.fault(format_args!("`{}` is no strategy of a Deployment", shown(other))));
        }
    };
    // 2147483647 is Kubernetes' word for "none": 68 years, which is none here, too.
    policy.progress_deadline_seconds =
        spec.count("progressDeadlineSeconds")?.unwrap_or(policy.progress_deadline_seconds);
    Ok(policy)
}

/// Surge and unavailability of a rolling update. Where both come to nothing, one may be unavailable.
fn rolling_budget(amounts: &Amounts, replicas: u64) -> Budget {
    let Amounts { surge, mut unavailable } = *amounts;
    if replicas > 0 && surge.of(replicas) == 0 && unavailable.of(replicas) == 0 {
        unavailable = Amount::Count(1);
    }
    Budget::fleet(unavailable, surge)
}

/// The update strategy of a `StatefulSet`, which never surges and rounds down to at least 1, or of a `DaemonSet`, which rounds
/// up. `None` for `OnDelete`.
fn on_update(
    strategy: &At<'_, '_>,
    rolling: &At<'_, '_>,
    round: Round,
    replicas: u64,
) -> Result<Option<Policy>, Reason> {
    match strategy.text("type")? {
        None | Some("RollingUpdate") => {}
        Some("OnDelete") => return Ok(None),
        Some(other) => return Err(strategy.fault(format_args!("`{}` is no update strategy", shown(other)))),
    }
    let surge = match round {
        Round::Up => amount(rolling, "maxSurge", round)?.unwrap_or(Amount::ZERO),
        Round::Down => Amount::ZERO,
    };
    // A DaemonSet that surges states that none may be unavailable; where nothing is stated, one may be.
    let unavailable = amount(rolling, "maxUnavailable", round)?.unwrap_or(Amount::Count(1));
    Ok(Some(Policy::default().with_budget(rolling_budget(&Amounts { surge, unavailable }, replicas))))
}

/// A count, or a percentage that is rounded so.
pub(super) fn amount(object: &At<'_, '_>, key: &str, round: Round) -> Result<Option<Amount>, Reason> {
    let Some(at) = object.member(key) else { return Ok(None) };
    let Some(text) = at.json.text() else { return Ok(object.count(key)?.map(Amount::Count)) };
    let percent = text
        .strip_suffix('%')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok());
    match percent {
        Some(percent) => Ok(Some(Amount::Percent { percent, round })),
        None => Err(at.fault(format_args!("`{}` is neither a number nor a percentage", shown(text)))),
    }
}

/// Hands over what workloads say to their services, once the instances are known.
pub(super) fn settle(workloads: &[Workload<'_>], drafts: &mut Drafts) {
    let mut by_service: BTreeMap<&str, Vec<&Workload<'_>>> = BTreeMap::new();
    for workload in workloads {
        by_service.entry(&workload.service).or_default().push(workload);
    }
    for (service, workloads) in by_service {
        let first = workloads[0];
        let alike = workloads
            .iter()
            .all(|other| (&other.policy, other.partition) == (&first.policy, first.partition));
        if !alike {
            drafts.notes.of("its workloads are replaced in different manners: it has no policy", service);
        }
        let Some(draft) = drafts.get_mut(service) else { continue };
        draft.desired = workloads.iter().map(|workload| workload.desired).sum();
        draft.policy = first.policy.clone().filter(|_| alike);
        let partition = first.partition;
        if let (Some(policy), true) = (&mut draft.policy, partition > 0) {
            let ordinal = |slot: &str| slot.rsplit_once('-')?.1.parse::<u64>().ok();
            let stays = |slot: &str| ordinal(slot).is_some_and(|ordinal| ordinal < partition);
            let kept = draft.instances.iter().filter(|pod| pod.slot.as_deref().is_some_and(stays));
            let mut kept: Vec<String> = kept.map(|pod| (*pod.id).to_owned()).collect();
            kept.sort();
            policy.select = Select::Except(kept);
        }
    }
}
