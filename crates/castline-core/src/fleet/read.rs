//! Reading many instances: each text that comes again is kept once, and is not even made a second time.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fmt,
    hash::Hash,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, de};

use super::{Health, Instance, Integrity, Phase};
use crate::{Revision, Time};

type Labels = Arc<BTreeMap<String, String>>;

/// An [`Instance`] as it is read, its texts still those of the document.
#[derive(Deserialize)]
#[serde(rename = "Instance", rename_all = "camelCase", deny_unknown_fields)]
struct Read<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    image: Cow<'a, str>,
    #[serde(default)]
    revision: Option<Revision>,
    #[serde(borrow, default)]
    zone: Cow<'a, str>,
    #[serde(default)]
    slot: Option<Arc<str>>,
    #[serde(default)]
    phase: Phase,
    #[serde(default)]
    health: Health,
    #[serde(default)]
    integrity: Integrity,
    #[serde(default)]
    created_at: Option<Time>,
    #[serde(default)]
    ready_at: Option<Time>,
    #[serde(default)]
    deletion_cost: i32,
    #[serde(default, deserialize_with = "stated")]
    labels: Option<Labels>,
}

fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Labels>, D::Error> {
    crate::unique::shared(deserializer).map(Some)
}

/// What was read already.
#[derive(Default)]
struct Known {
    texts: HashSet<Arc<str>>,
    labels: HashSet<Labels>,
    none: Labels,
}

impl Known {
    fn instance(&mut self, read: Read<'_>) -> Instance {
        Instance {
            id: read.id.into(),
            image: once(&mut self.texts, &*read.image, || read.image.as_ref().into()),
            revision: read.revision,
            zone: once(&mut self.texts, &*read.zone, || read.zone.as_ref().into()),
            slot: read.slot,
            phase: read.phase,
            health: read.health,
            integrity: read.integrity,
            created_at: read.created_at,
            ready_at: read.ready_at,
            deletion_cost: read.deletion_cost,
            labels: read.labels.map_or_else(
                || Arc::clone(&self.none),
                |labels| once(&mut self.labels, &*labels, || Arc::clone(&labels)),
            ),
        }
    }
}

/// The first of those that are equal to `value`; where there is none, what `make` makes of it.
fn once<T: ?Sized + Eq + Hash>(
    known: &mut HashSet<Arc<T>>,
    value: &T,
    make: impl FnOnce() -> Arc<T>,
) -> Arc<T> {
    if let Some(first) = known.get(value) {
        return Arc::clone(first);
    }
    let new = make();
    known.insert(Arc::clone(&new));
    new
}

/// Reads instances, each text that comes again kept once, and sorts them.
pub(super) fn sorted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Instance]>, D::Error> {
    struct Visitor;

    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Vec<Instance>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of instances")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Vec<Instance>, A::Error> {
            let (mut instances, mut known) = (Vec::new(), Known::default());
            while let Some(read) = access.next_element::<Read<'de>>()? {
                instances.push(known.instance(read));
            }
            Ok(instances)
        }
    }

    let mut instances = deserializer.deserialize_seq(Visitor)?;
    instances.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(instances.into())
}
