use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::NonZeroUsize,
};

use castline_core::Digest;
#[cfg(doc)]
use castline_core::Rootfs;

use super::verity::Measure;

/// Says of a path whether it is left out.
pub type SkipFn<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// How to scan.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ScanOptions<'a> {
    /// How many threads; `None` for as many as there are cores. The scan is the same for any number.
    pub jobs: Option<NonZeroUsize>,
    /// How much a tree may ask for.
    pub limits: ScanLimits,
    /// Paths that are left out with all that is below them, as if they were not there.
    pub skip: BTreeSet<Vec<u8>>,
    /// Says of a path whether it is left out, too.
    pub skip_if: Option<&'a SkipFn<'a>>,
    /// Content digests by fs-verity digest ([`Rootfs::by_verity`]). A file whose content the kernel guards under one of them
    /// is not read: this trusts the kernel, and nothing else.
    pub verity: Option<&'a BTreeMap<Digest, Digest>>,
    /// What measures instead of the kernel, where a test cannot have a filesystem with fs-verity.
    pub(super) measure: Option<Measure>,
}

/// How much a tree may ask for, so that an instance cannot stop its own scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanLimits {
    /// Entries of the tree: 10,000,000. Past it the root is unread, and the scan is of nothing.
    pub entries: u64,
    /// Bytes of one path: 16 KiB. What has a longer one is unread.
    pub path_bytes: u64,
    /// Names in one path: 1,024. A deeper folder is unread.
    pub depth: u32,
    /// Bytes of the extended attributes of one entry, names and values: 1 MiB. What has more is unread.
    pub xattr_bytes: u64,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self { entries: 10_000_000, path_bytes: 16 << 10, depth: 1024, xattr_bytes: 1 << 20 }
    }
}

impl<'a> ScanOptions<'a> {
    /// The same on this many threads.
    #[must_use]
    pub fn with_jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs: Some(jobs), ..self }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: ScanLimits) -> Self {
        Self { limits, ..self }
    }

    /// The same without these paths. They have no slash at either end.
    #[must_use]
    pub fn with_skip(self, paths: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { skip: paths.into_iter().collect(), ..self }
    }

    /// The same without the paths of which `skip` is true. It is asked on worker threads, of a folder before what is
    /// in it, and never of the root.
    #[must_use]
    pub fn with_skip_if(self, skip: &'a SkipFn<'a>) -> Self {
        Self { skip_if: Some(skip), ..self }
    }

    /// The same, not reading files that fs-verity guards under one of these digests.
    #[must_use]
    pub fn with_verity(self, known: &'a BTreeMap<Digest, Digest>) -> Self {
        Self { verity: Some(known), ..self }
    }

    pub(super) fn skips(&self, path: &[u8]) -> bool {
        self.skip.contains(path) || self.skip_if.is_some_and(|skip| skip(path))
    }
}

impl fmt::Debug for ScanOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanOptions")
            .field("jobs", &self.jobs)
            .field("limits", &self.limits)
            .field("skip", &self.skip)
            .finish_non_exhaustive()
    }
}
