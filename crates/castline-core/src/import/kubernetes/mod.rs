//! What `kubectl get … -o json` prints.

mod disruption;
mod owner;
mod pod;
mod workload;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Import, Services,
    draft::Drafts,
    invalid,
    read::{self, At, Reason},
};
use crate::{Result, json::Json, shown};

/// What to take of a list of objects, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KubernetesOptions {
    /// Which service a pod is a copy of.
    pub services: Services,
    /// Only what is in this namespace.
    pub namespace: Option<String>,
    /// The container whose image counts. Where none is named: the one that the pod's annotation
    /// `kubectl.kubernetes.io/default-container` names, or the first of its spec.
    pub container: Option<String>,
    /// What the zone of a pod is.
    pub zones: Zones,
}

/// What the zone of a pod is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Zones {
    /// The label `topology.kubernetes.io/zone` of its node, where the nodes are in the list, or of the pod.
    #[default]
    Topology,
    /// This label of its node, or of the pod.
    Label(String),
    /// The name of its node.
    Node,
}

impl KubernetesOptions {
    /// The same, telling services apart so.
    #[must_use]
    pub fn with_services(self, services: Services) -> Self {
        Self { services, ..self }
    }

    /// The same for this namespace only.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// The same, where the image of this container counts.
    #[must_use]
    pub fn with_container(self, container: impl Into<String>) -> Self {
        Self { container: Some(container.into()), ..self }
    }

    /// The same with these zones.
    #[must_use]
    pub fn with_zones(self, zones: Zones) -> Self {
        Self { zones, ..self }
    }
}

/// Fleets, policies and budgets out of what `kubectl get KINDS -o json` prints: a list of any kinds, or one object.
///
/// - Pods become instances. The id is the `uid`, since names are used again; the name is the label
///   [`NAME`](super::NAME). A pod that completed, and one that nothing would replace, is left out, with a note.
/// - Deployments, `StatefulSet`s and `DaemonSet`s become policies, with the rounding that Kubernetes uses for each, and
///   desired numbers.
/// - A `PodDisruptionBudget` becomes a budget of every service whose pods it selects. Kubernetes' own rollouts pass these over;
///   here, they hold.
/// - Nodes say what zone a pod is in, and `ReplicaSet`s which Deployment it belongs to; without them its own labels do.
///
/// # Errors
///
/// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is no such list, with the place.
pub fn kubernetes(documents: &[&[u8]], options: &KubernetesOptions) -> Result<Import> {
    import(documents, options).map_err(|reason| invalid("list of Kubernetes objects", &reason))
}

fn import(documents: &[&[u8]], options: &KubernetesOptions) -> Result<Import, Reason> {
    let documents = read::documents(documents)?;
    let mut drafts = Drafts::default();
    let objects = objects(&documents, options, &mut drafts)?;
    let of = |kind: &'static str| objects.iter().filter(move |object| object.kind == kind);

    let mut cluster = Cluster { options, zones: HashMap::new(), replica_sets: HashMap::new() };
    for node in of("Node") {
        let labels = node.at().object("metadata")?.texts("labels")?;
        if let Some(zone) = options.zones.of_labels(&labels) {
            cluster.zones.insert(node.name, zone.to_owned());
        }
    }
    for set in of("ReplicaSet") {
        if let Some(owner) = owner::controller(&set.at())? {
            cluster.replica_sets.insert((set.namespace, set.name), owner);
        }
    }
    let mut workloads = Vec::new();
    for object in &objects {
        workloads.extend(workload::workload(object, &cluster, &mut drafts)?);
    }
    let mut pods = Vec::new();
    for object in of("Pod") {
        pods.extend(pod::pod(object, &cluster, &mut drafts)?);
    }
    workload::settle(&workloads, &mut drafts);
    let mut budgets: Vec<_> = of("PodDisruptionBudget").collect();
    budgets.sort_by_key(|object| (object.namespace, object.name));
    for object in budgets {
        disruption::budget(object, &workloads, &pods, &mut drafts)?;
    }
    drafts.into_import()
}

/// What is known of the cluster beside its pods.
struct Cluster<'a> {
    options: &'a KubernetesOptions,
    /// Zones, by nodes.
    zones: HashMap<&'a str, String>,
    /// What owns a `ReplicaSet`, by namespace and name.
    replica_sets: HashMap<(&'a str, &'a str), owner::Owner>,
}

impl Zones {
    fn of_labels<'a>(&self, labels: &'a BTreeMap<String, String>) -> Option<&'a str> {
        let label = |key: &str| labels.get(key).map(String::as_str).filter(|zone| !zone.is_empty());
        match self {
            // The second is what the first was called before Kubernetes 1.17.
            Self::Topology => label("topology.kubernetes.io/zone")
                .or_else(|| label("failure-domain.beta.kubernetes.io/zone")),
            Self::Label(key) => label(key),
            Self::Node => None,
        }
    }
}

impl KubernetesOptions {
    /// The service of a workload, or of a pod that has these labels.
    fn service(
        &self,
        namespace: &str,
        workload: Option<&str>,
        labels: &BTreeMap<String, String>,
    ) -> Option<String> {
        match &self.services {
            Services::Workload => workload.map(str::to_owned),
            Services::Qualified => workload.map(|name| format!("{namespace}/{name}")),
            Services::Label(key) => labels.get(key).filter(|value| !value.is_empty()).cloned(),
            Services::One(name) => Some(name.clone()),
        }
    }

    /// What a service stands for, where two of one name would be two services.
    fn origin(&self, kind: &str, namespace: &str, name: &str) -> String {
        match self.services {
            Services::Workload | Services::Qualified => format!("{kind} {namespace}/{name}"),
            Services::Label(_) | Services::One(_) => String::new(),
        }
    }
}

/// One object of a list.
struct Object<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    json: &'a Json,
    place: String,
}

impl<'a> Object<'a> {
    fn at(&self) -> At<'_, 'a> {
        At::root(&self.place, self.json)
    }

    /// What people call it: `NAMESPACE/NAME`.
    fn shown(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

const KINDS: &[&str] =
    &["Pod", "Node", "ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "PodDisruptionBudget"];

/// The objects of all documents, each once.
fn objects<'a>(
    documents: &'a [(String, Json)],
    options: &KubernetesOptions,
    drafts: &mut Drafts,
) -> Result<Vec<Object<'a>>, Reason> {
    let mut objects: Vec<Object<'a>> = Vec::new();
    let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut passed_over = HashSet::new();
    let mut add = |kind: &'a str, at: &At<'_, 'a>| -> Result<(), Reason> {
        let at = at.as_object()?;
        if !KINDS.contains(&kind) {
            if passed_over.insert(kind) {
                drafts.notes.of("objects of this kind are not read", kind);
            }
            return Ok(());
        }
        let metadata = at.object("metadata")?;
        let name = metadata.required("name")?;
        let namespace = if kind == "Node" { "" } else { metadata.text("namespace")?.unwrap_or("default") };
        if kind != "Node" && options.namespace.as_ref().is_some_and(|only| only != namespace) {
            return Ok(());
        }
        if let Some(&first) = known.get(&(kind, namespace, name)) {
            if objects[first].json == at.json {
                return Ok(());
            }
            let name = shown(name);
            return Err(at.fault(format_args!("the {kind} `{name}` stands twice, and not alike")));
        }
        known.insert((kind, namespace, name), objects.len());
        objects.push(Object { kind, namespace, name, json: at.json, place: at.place() });
        Ok(())
    };
    for (place, document) in documents {
        let at = At::root(place, document).as_object()?;
        let kind = at.required("kind")?;
        let Some(of) = kind.strip_suffix("List") else {
            add(kind, &at)?;
            continue;
        };
        for item in at.items("items")? {
            let at = item.at().as_object()?;
            // Items of a list of one kind, as the API itself gives them, do not repeat it.
            match at.text("kind")? {
                Some(kind) => add(kind, &at)?,
                None if !of.is_empty() => add(of, &at)?,
                None => return Err(at.fault("there is no `kind`")),
            }
        }
    }
    Ok(objects)
}
