use super::{DriftFinding, Severity};

/// Findings, of which the worst are kept when there are too many.
pub(super) struct Kept<'t> {
    most: usize,
    seen: u64,
    /// By severity, the worst first; each at most `most`.
    by_severity: [Vec<(&'t [u8], DriftFinding)>; 3],
}

impl<'t> Kept<'t> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: 0, by_severity: Default::default() }
    }

    /// Counts one, and says whether it will be kept.
    pub(super) fn wants(&mut self, severity: Severity) -> bool {
        self.seen += 1;
        let at_least: usize = self.by_severity[..=severity as usize].iter().map(Vec::len).sum();
        at_least < self.most
    }

    pub(super) fn keep(&mut self, path: &'t [u8], finding: DriftFinding) {
        self.by_severity[finding.severity as usize].push((path, finding));
        // A worse one takes the place of a lesser one.
        if self.by_severity.iter().map(Vec::len).sum::<usize>() > self.most
            && let Some(least) = self.by_severity.iter_mut().rfind(|kept| !kept.is_empty())
        {
            least.pop();
        }
    }

    /// What was kept in the order of the paths, and how many were not.
    pub(super) fn finish(self) -> (Vec<DriftFinding>, u64) {
        let mut kept: Vec<_> = self.by_severity.into_iter().flatten().collect();
        kept.sort_by(|(one, a), (other, b)| (one, a.code).cmp(&(other, b.code)));
        let more = self.seen - kept.len() as u64;
        (kept.into_iter().map(|(_, finding)| finding).collect(), more)
    }
}
