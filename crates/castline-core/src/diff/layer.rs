use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::listing::{self, Listed};
use crate::{BlobSource, Digest, Error, Image, Options, Result, Watch};

/// How two layers at one position differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LayerVerdict {
    /// Not at all.
    Same,
    /// In how they are compressed: the tars are the same.
    Compression,
    /// In how the tar is written: its entries are the same, in the same order.
    Encoding,
    /// In the order of the entries.
    Order,
    /// In what is said of the files (times, owners, modes, extended attributes); their contents are the same.
    Metadata,
    /// In which files there are, or in what is in them.
    Content,
    /// Only the first has a layer there.
    OnlyFirst,
    /// Only the second has one.
    OnlySecond,
}

/// Two layers at one position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LayerDifference {
    /// Which, from 0, the lowest.
    pub position: u64,
    /// How they differ.
    pub verdict: LayerVerdict,
    /// The first's blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Digest>,
    /// The second's blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<Digest>,
    /// What differs between entries of one path: `type`, `mode`, `uid`, `gid`, `size`, `mtime`, `content`, `target`,
    /// `device`, `xattrs`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub attributes: BTreeSet<&'static str>,
    /// Whether the entries that both have stand in another order.
    pub reordered: bool,
    /// How many entries differ, or only one has.
    pub entries: u64,
    /// The first paths of these. What is not UTF-8 is replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// How many paths are named.
const EXAMPLES: usize = 5;

type Given<'g> = ((&'g dyn BlobSource, &'g Options), &'g Image);

pub(super) fn differences(
    first: Given<'_>,
    second: Given<'_>,
    watch: &Watch<'_>,
) -> Result<Vec<LayerDifference>> {
    let ids = |image: &Image| image.config().map(|config| config.diff_ids().to_vec()).unwrap_or_default();
    let (one_ids, other_ids) = (ids(first.1), ids(second.1));
    let mut found = Vec::new();
    for position in 0..first.1.layers().len().max(second.1.layers().len()) {
        let blob = |image: &Image| image.layers().get(position).map(|layer| layer.digest.clone());
        let (one, other) = (blob(first.1), blob(second.1));
        let verdict = match (&one, &other) {
            (Some(_), None) => LayerVerdict::OnlyFirst,
            (None, Some(_)) => LayerVerdict::OnlySecond,
            (one, other) if one == other => LayerVerdict::Same,
            _ if one_ids.get(position).is_some() && one_ids.get(position) == other_ids.get(position) => {
                LayerVerdict::Compression
            }
            _ => LayerVerdict::Content,
        };
        let mut layer = LayerDifference {
            position: position as u64,
            verdict,
            first: one,
            second: other,
            attributes: BTreeSet::new(),
            reordered: false,
            entries: 0,
            examples: Vec::new(),
        };
        if let (LayerVerdict::Content, Some(one), Some(other)) = (verdict, &layer.first, &layer.second) {
            let list = |((source, options), _): Given<'_>, digest: &Digest| {
                listing::read(source, digest, &options.limits, watch).ok_or_else(|| {
                    if watch.is_cancelled() { Error::Cancelled } else { super::changed(digest) }
                })
            };
            let (one, other) = (list(first, one)?, list(second, other)?);
            compare(&one, &other, &mut layer);
        }
        found.push(layer);
    }
    Ok(found)
}

/// Fills in how the entries differ.
fn compare(first: &[Listed], second: &[Listed], layer: &mut LayerDifference) {
    if first == second {
        layer.verdict = LayerVerdict::Encoding;
        return;
    }
    // Of several entries of one path the last counts.
    let by_path = |entries: &[Listed]| -> BTreeMap<Vec<u8>, usize> {
        entries.iter().enumerate().map(|(at, entry)| (entry.path.clone(), at)).collect()
    };
    let (one, other) = (by_path(first), by_path(second));
    let mut structural = false;
    let note = |layer: &mut LayerDifference, path: &[u8]| {
        layer.entries += 1;
        if layer.examples.len() < EXAMPLES {
            layer.examples.push(String::from_utf8_lossy(path).into_owned());
        }
    };
    let paths: BTreeSet<&Vec<u8>> = one.keys().chain(other.keys()).collect();
    for path in paths {
        match (one.get(path), other.get(path)) {
            (Some(&at), Some(&there)) => {
                let attributes = attributes(&first[at], &second[there]);
                structural |= attributes.iter().any(|name| CONTENT.contains(name));
                if !attributes.is_empty() {
                    layer.attributes.extend(attributes);
                    note(layer, path);
                }
            }
            _ => {
                structural = true;
                note(layer, path);
            }
        }
    }
    let common = |entries: &[Listed], of: &BTreeMap<Vec<u8>, usize>| -> Vec<Vec<u8>> {
        entries.iter().map(|entry| entry.path.clone()).filter(|path| of.contains_key(path)).collect()
    };
    layer.reordered = common(first, &other) != common(second, &one);
    layer.verdict = if structural {
        LayerVerdict::Content
    } else if layer.attributes.is_empty() {
        LayerVerdict::Order
    } else {
        LayerVerdict::Metadata
    };
}

/// What of an entry is its content.
const CONTENT: [&str; 5] = ["type", "size", "content", "target", "device"];

fn attributes(one: &Listed, other: &Listed) -> Vec<&'static str> {
    let differs = [
        ("type", one.kind != other.kind),
        ("mode", one.mode != other.mode),
        ("uid", one.owners.0 != other.owners.0),
        ("gid", one.owners.1 != other.owners.1),
        ("size", one.size != other.size),
        ("mtime", one.mtime != other.mtime),
        ("content", one.content != other.content),
        ("target", one.link != other.link),
        ("device", one.device != other.device),
        ("xattrs", one.xattrs != other.xattrs),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
