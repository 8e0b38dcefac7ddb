use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Counts, DriftCode, Severity,
    places::{self, parent},
    report::path_text,
};

/// Lines of a summary at most.
const MAX_LINES: usize = 20;

/// Paths that a line names.
const EXAMPLES: usize = 3;

/// What was found in one folder and below it, but for what other lines say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DirectorySummary {
    /// The folder; empty for the root. What is not UTF-8 is replaced.
    pub directory: String,
    /// How many findings there are of each kind.
    pub counts: Counts,
    /// The worst severity.
    pub severity: Severity,
    /// Some of the paths, the worst ones.
    pub examples: Vec<String>,
}

/// Findings by folder, as they come.
#[derive(Default)]
pub(super) struct Tally<'t> {
    folders: BTreeMap<&'t [u8], Folder<'t>>,
}

#[derive(Clone, Default)]
struct Folder<'t> {
    counts: Counts,
    examples: Vec<(Severity, &'t [u8])>,
    /// Whether it is there as a whole, or gone as a whole.
    whole: bool,
}

impl<'t> Tally<'t> {
    /// Counts a finding; `whole` when it is a folder that was added or removed.
    pub(super) fn add(&mut self, path: &'t [u8], code: DriftCode, severity: Severity, whole: bool) {
        let folder = self.folders.entry(if whole { path } else { parent(path) }).or_default();
        folder.whole |= whole;
        folder.counts.add(code, severity);
        folder.name((severity, path));
    }

    /// The fewest lines that tell where the findings are: a folder's line is cut into those of what is in it, the largest
    /// first, as long as the lines fit.
    pub(super) fn condense(&self) -> Vec<DirectorySummary> {
        if self.folders.is_empty() {
            return Vec::new();
        }
        let mut below: BTreeMap<&[u8], Folder<'t>> = BTreeMap::new();
        let mut children: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
        for (path, folder) in &self.folders {
            below.entry(path).or_default().merge(folder);
            for place in places::ancestors(path) {
                below.entry(parent(place)).or_default().merge(folder);
                children.entry(parent(place)).or_default().insert(place);
            }
        }
        let whole = |path: &[u8]| self.folders.get(path).is_some_and(|folder| folder.whole);
        // Of each line: the folder, and whether it stands for what is below as well.
        let mut lines: Vec<(&[u8], bool)> = vec![(b"", true)];
        let size = |path: &[u8]| below.get(path).map_or(0, |folder| folder.counts.total());
        loop {
            let cuts = lines.iter().enumerate().filter_map(|(at, &(path, deep))| {
                let inner = children.get(path).filter(|_| deep && !whole(path))?;
                let own = usize::from(self.folders.contains_key(path));
                (lines.len() + inner.len() + own - 1 <= MAX_LINES)
                    .then_some((size(path), std::cmp::Reverse(at)))
            });
            let Some((_, std::cmp::Reverse(at))) = cuts.max() else { break };
            let (path, _) = lines.swap_remove(at);
            if self.folders.contains_key(path) {
                lines.push((path, false));
            }
            lines.extend(children.get(path).into_iter().flatten().map(|inner| (*inner, true)));
            lines.sort_unstable();
        }
        let line = |(path, deep): (&[u8], bool)| {
            let folder = if deep { below.get(path) } else { self.folders.get(path) }?;
            let examples = folder.examples.iter().map(|(_, path)| path_text(path).0).collect();
            let severity = folder.counts.worst()?;
            Some(DirectorySummary { directory: path_text(path).0, counts: folder.counts, severity, examples })
        };
        lines.into_iter().filter_map(line).collect()
    }
}

impl<'t> Folder<'t> {
    fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        for example in &other.examples {
            self.name(*example);
        }
    }

    fn name(&mut self, example: (Severity, &'t [u8])) {
        let at = self.examples.partition_point(|known| *known <= example);
        if at < EXAMPLES {
            self.examples.insert(at, example);
            self.examples.truncate(EXAMPLES);
        }
    }
}
