use super::{Glob, Profile};

/// How a scanned tree is compared with the expected one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// What the runtime itself writes. [`Profile::none`] by default.
    pub profile: Profile,
    /// What the caller does not want to hear of. It is listed as ignored.
    pub ignore: Vec<Glob>,
    /// Where the release asks for mounts, as paths from the root: they, and the empty files and folders that runtimes make
    /// for them, are expected.
    pub mounts: Vec<Vec<u8>>,
    /// Whether times of modification are compared.
    pub mtime: bool,
    /// How many findings are kept at most, and how many ignored paths: 50,000 of each. One takes about a kilobyte.
    pub max_findings: usize,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            profile: Profile::none(),
            ignore: Vec::new(),
            mounts: Vec::new(),
            mtime: false,
            max_findings: 50_000,
        }
    }
}

impl Comparison {
    /// The same with this profile.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// The same, deaf to one more pattern.
    #[must_use]
    pub fn with_ignored(mut self, glob: Glob) -> Self {
        self.ignore.push(glob);
        self
    }

    /// The same with one more expected mount: a path, with or without a `/` at the start and the end.
    #[must_use]
    pub fn with_mount(mut self, path: &[u8]) -> Self {
        let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        self.mounts.push(names.collect::<Vec<_>>().join(&b'/'));
        self
    }

    /// The same with or without times of modification.
    #[must_use]
    pub fn with_mtime(self, mtime: bool) -> Self {
        Self { mtime, ..self }
    }

    /// The same, keeping at most so many findings.
    #[must_use]
    pub fn with_max_findings(self, max_findings: usize) -> Self {
        Self { max_findings, ..self }
    }
}
