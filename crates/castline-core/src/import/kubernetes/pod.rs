use std::{collections::BTreeMap, sync::Arc};

use super::{Cluster, Object, Zones, owner};
use crate::{
    Health, Instance, Phase, Time,
    import::{
        NAME, NAMESPACE, NODE, REVISION, Services,
        draft::Drafts,
        names_a_digest,
        read::{At, Reason},
    },
};

/// What a budget may select.
pub(super) struct Pod<'a> {
    pub(super) namespace: &'a str,
    pub(super) service: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// Reasons for which a container waits, and goes on waiting until something is changed.
const STUCK: &[&str] = &[
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Adds the pod to the fleet of its service.
pub(super) fn pod<'a>(
    object: &Object<'a>,
    cluster: &Cluster<'_>,
    drafts: &mut Drafts,
) -> Result<Option<Pod<'a>>, Reason> {
    let at = object.at();
    let (metadata, spec, status) = (at.object("metadata")?, at.object("spec")?, at.object("status")?);
    let labels = metadata.texts("labels")?;
    let annotations = metadata.texts("annotations")?;
    let shown = object.shown();

    let phase = status.text("phase")?.unwrap_or("Unknown");
    if phase == "Succeeded" {
        drafts.notes.of("it has completed and is left out", &shown);
        return Ok(None);
    }
    let owner = owner::controller(&at)?;
    let owner = owner.map(|owner| owner::workload(owner, object.namespace, &at, cluster)).transpose()?;
    let by_owner = matches!(cluster.options.services, Services::Workload | Services::Qualified);
    match owner.as_ref().map(|owner| &*owner.kind) {
        Some("Job" | "CronJob") => {
            drafts.notes.of("it belongs to a Job, which ends by itself, and is left out", &shown);
            return Ok(None);
        }
        // A static pod is the copy of a file of its node.
        Some("Node") => {
            drafts.notes.of("it belongs to its node, which alone can replace it, and is left out", &shown);
            return Ok(None);
        }
        None if by_owner => {
            drafts.notes.of("nothing owns it and would replace it, and it is left out", &shown);
            return Ok(None);
        }
        _ => {}
    }
    let workload = owner.as_ref().map(|owner| &*owner.name);
    let Some(service) = cluster.options.service(object.namespace, workload, &labels) else {
        drafts.notes.of("it has no label that names its service, and is left out", &shown);
        return Ok(None);
    };

    let id = metadata.text("uid")?.map_or_else(
        || {
            drafts.notes.of("it has no `uid`, and its name, which may be used again, is its id", &shown);
            shown.clone()
        },
        str::to_owned,
    );
    let image = image(object, &spec, &status, &annotations, cluster, drafts)?;
    let node = spec.text("nodeName")?;
    let zone = match (&cluster.options.zones, node) {
        (Zones::Node, node) => node,
        (zones, node) => node
            .and_then(|node| cluster.zones.get(node).map(String::as_str))
            .or_else(|| zones.of_labels(&labels)),
    };
    let (health, ready_at) = health(&status, phase)?;
    let mut instance = Instance::new(id);
    instance.image = drafts.shared(&image);
    instance.zone = drafts.shared(zone.unwrap_or_default());
    instance.phase = match phase {
        _ if metadata.time("deletionTimestamp")?.is_some() => Phase::Terminating,
        "Pending" => Phase::Pending,
        _ => Phase::Running,
    };
    instance.health = health;
    instance.ready_at = ready_at;
    // A label has no room for one.
    instance.revision = drafts.revision(annotations.get(REVISION), &shown);
    instance.created_at = metadata.time("creationTimestamp")?;
    instance.deletion_cost = deletion_cost(&annotations, &shown, drafts);
    if owner.as_ref().is_some_and(|owner| owner.kind == "StatefulSet") {
        // Names are unique in a namespace only, and a service may span several.
        instance.slot = Some(if by_owner { object.name.into() } else { shown.as_str().into() });
    }
    let mut all = labels.clone();
    all.insert(NAME.into(), object.name.into());
    all.insert(NAMESPACE.into(), object.namespace.into());
    all.extend(node.map(|node| (NODE.into(), node.into())));
    instance.labels = Arc::new(all);

    let origin = owner
        .map_or_else(String::new, |owner| cluster.options.origin(&owner.kind, object.namespace, &owner.name));
    let draft = drafts.service(&service, &origin).map_err(|reason| at.fault(reason))?;
    draft.instances.push(instance);
    Ok(Some(Pod { namespace: object.namespace, service, labels }))
}

/// What the kubelet reports of the image of the container that counts; empty where it reports nothing.
fn image(
    object: &Object<'_>,
    spec: &At<'_, '_>,
    status: &At<'_, '_>,
    annotations: &BTreeMap<String, String>,
    cluster: &Cluster<'_>,
    drafts: &mut Drafts,
) -> Result<String, Reason> {
    let of = |containers: &At<'_, '_>, list: &str, member: &str| -> Result<Vec<(String, String)>, Reason> {
        let container = |at: At<'_, '_>| -> Result<_, Reason> {
            Ok((at.required("name")?.to_owned(), at.text(member)?.unwrap_or_default().to_owned()))
        };
        containers.items(list)?.iter().map(|item| container(item.at().as_object()?)).collect()
    };
    let declared = of(spec, "containers", "image")?;
    let reported = of(status, "containerStatuses", "imageID")?;
    let wanted = cluster.options.container.as_ref();
    let name = wanted
        .or_else(|| annotations.get("kubectl.kubernetes.io/default-container"))
        // The statuses are sorted by name; the spec has the order that people wrote.
        .or_else(|| declared.first().or(reported.first()).map(|(name, _)| name));
    let find = |list: &[(String, String)]| {
        let found = list.iter().find(|(container, _)| Some(container) == name);
        found.map(|(_, image)| image.clone())
    };
    if let (Some(wanted), None, None) = (wanted, find(&declared), find(&reported)) {
        let name = crate::shown(wanted);
        drafts
            .notes
            .of(format!("it has no container `{name}`, so that its image is not known"), &object.shown());
        return Ok(String::new());
    }
    if let Some(image) = find(&reported).filter(|image| !image.is_empty()) {
        if !names_a_digest(&image) {
            drafts.notes.of("it reports no digest of its image", &object.shown());
        }
        return Ok(image);
    }
    // It has not been pulled yet; a reference by digest says already what it will be.
    if let Some(image) = find(&declared).filter(|image| names_a_digest(image)) {
        return Ok(image);
    }
    drafts.notes.of("it reports no digest of its image", &object.shown());
    Ok(String::new())
}

fn health(status: &At<'_, '_>, phase: &str) -> Result<(Health, Option<Time>), Reason> {
    let mut ready = None;
    for item in status.items("conditions")? {
        let at = item.at().as_object()?;
        if at.text("type")? == Some("Ready") {
            ready = Some((at.text("status")?, at.time("lastTransitionTime")?));
        }
    }
    let mut stuck = false;
    for list in ["containerStatuses", "initContainerStatuses"] {
        for item in status.items(list)? {
            let at = item.at().as_object()?;
            let state = at.object("state")?;
            let waiting = state.object("waiting")?;
            stuck |= waiting.text("reason")?.is_some_and(|reason| STUCK.contains(&reason));
        }
    }
    Ok(match (phase, ready) {
        ("Failed", _) => (Health::Failed, None),
        ("Running", Some((Some("True"), since))) => (Health::Ready, since),
        ("Running" | "Pending", _) if stuck => (Health::Failed, None),
        ("Running", Some((Some("Unknown"), _))) => (Health::Unknown, None),
        ("Running" | "Pending", _) => (Health::NotReady, None),
        _ => (Health::Unknown, None),
    })
}

/// `controller.kubernetes.io/pod-deletion-cost`: a decimal number of 32 bits with no `+` and no leading zeros.
fn deletion_cost(annotations: &BTreeMap<String, String>, name: &str, drafts: &mut Drafts) -> i32 {
    let Some(text) = annotations.get("controller.kubernetes.io/pod-deletion-cost") else { return 0 };
    let cost: Option<i32> = text.parse().ok();
    match cost.filter(|cost| cost.to_string() == *text) {
        Some(cost) => cost,
        None => {
            drafts.notes.of("its deletion cost is no number, and counts as 0", name);
            0
        }
    }
}
