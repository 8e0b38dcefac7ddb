use super::Cluster;
use crate::import::read::{At, Reason};

/// What owns an object.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
}

/// The owner that controls the object, which its metadata name.
pub(super) fn controller(object: &At<'_, '_>) -> Result<Option<Owner>, Reason> {
    let metadata = object.object("metadata")?;
    let mut found = None;
    for item in metadata.items("ownerReferences")? {
        let at = item.at().as_object()?;
        if at.boolean("controller")? == Some(true) && found.is_none() {
            found = Some(Owner { kind: at.required("kind")?.into(), name: at.required("name")?.into() });
        }
    }
    Ok(found)
}

/// The workload of a pod: its controller or, where that is a `ReplicaSet`, what owns this one.
pub(super) fn workload(
    owner: Owner,
    namespace: &str,
    pod: &At<'_, '_>,
    cluster: &Cluster<'_>,
) -> Result<Owner, Reason> {
    if owner.kind != "ReplicaSet" {
        return Ok(owner);
    }
    if let Some(above) = cluster.replica_sets.get(&(namespace, &owner.name)) {
        return Ok(above.clone());
    }
    // Deployments and Argo's Rollouts name their sets `NAME-HASH`, and label the pods with the hash.
    let metadata = pod.object("metadata")?;
    let labels = metadata.object("labels")?;
    for (label, kind) in [("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout")] {
        let hash = labels.text(label)?;
        let stem = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
        if let Some(name) = stem.filter(|name| !name.is_empty()) {
            return Ok(Owner { kind: kind.into(), name: name.into() });
        }
    }
    Ok(owner)
}
