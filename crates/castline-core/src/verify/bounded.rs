use super::{Finding, Level, faults::limit_finding};

/// Findings, of which so many are kept as the limit allows. What comes after counts by its level only.
#[derive(Debug)]
pub(super) struct Bounded {
    limit: u64,
    kept: Vec<Finding>,
    dropped: Option<Level>,
}

impl Bounded {
    pub(super) fn new(limit: u64, dropped: Option<Level>) -> Self {
        Self { limit, kept: Vec::new(), dropped }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if (self.kept.len() as u64) < self.limit {
            self.kept.push(finding);
        } else {
            self.dropped = Some(finding.level.worse(self.dropped));
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.dropped = other.dropped.map(|level| level.worse(self.dropped)).or(self.dropped);
        self.extend(other.kept);
    }

    pub(super) fn extend(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.push(finding);
        }
    }

    /// What was kept, and a last finding about what was not: as bad as the worst of that.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        if let Some(level) = self.dropped {
            let limit = self.limit;
            let message = format!("there are more than {limit} findings; those past it are not listed");
            self.kept.push(Finding { level, ..limit_finding("findings", limit, message) });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Level::{Error, Info, Warning},
        *,
    };
    use crate::verify::FindingCode;

    #[test]
    fn what_is_dropped_still_counts() {
        let of = |limit, levels: &[Level]| {
            let mut findings = Bounded::new(limit, None);
            for &level in levels {
                findings.push(Finding { level, ..Finding::info(FindingCode::StrayFile, "") });
            }
            findings.finish().iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(of(2, &[Info, Warning]), [Info, Warning]);
        assert_eq!(of(2, &[Info, Info, Info]), [Info, Info, Info]);
        assert_eq!(of(1, &[Info, Warning, Error, Info]), [Info, Error]);
        assert_eq!(of(0, &[Error]), [Error]);
    }
}
