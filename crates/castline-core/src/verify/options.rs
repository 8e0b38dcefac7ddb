use std::num::NonZeroUsize;

use crate::{Digest, Limits, Platform};

/// What to verify, and how hard to try.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Which of the images.
    pub selection: Selection,
    /// For which platforms.
    pub platforms: Platforms,
    /// Whether to look for blobs and files that nothing refers to, and to check the digests of such blobs.
    pub unreferenced: bool,
    /// Whether to merge the layers into the tree of files that they stand for.
    pub rootfs: bool,
    /// Whether that tree is to have fs-verity digests as well, which takes hashing each file once more.
    pub verity: bool,
    /// How much the image may ask for.
    pub limits: Limits,
    /// How many cores to use; `None` for all. The report is the same for any number.
    pub jobs: Option<NonZeroUsize>,
}

impl Options {
    /// The same for the images of `selection`.
    #[must_use]
    pub fn with_selection(self, selection: Selection) -> Self {
        Self { selection, ..self }
    }

    /// The same for these platforms.
    #[must_use]
    pub fn with_platforms(self, platforms: Platforms) -> Self {
        Self { platforms, ..self }
    }

    /// The same with or without the search for what nothing refers to.
    #[must_use]
    pub fn with_unreferenced(self, unreferenced: bool) -> Self {
        Self { unreferenced, ..self }
    }

    /// The same with or without the tree of files.
    #[must_use]
    pub fn with_rootfs(self, rootfs: bool) -> Self {
        Self { rootfs, ..self }
    }

    /// The same with the tree of files and its fs-verity digests, or without these.
    #[must_use]
    pub fn with_verity(self, verity: bool) -> Self {
        Self { verity, rootfs: self.rootfs || verity, ..self }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same on this many cores.
    #[must_use]
    pub fn with_jobs(self, jobs: NonZeroUsize) -> Self {
        Self { jobs: Some(jobs), ..self }
    }
}

/// Which of the images that a source holds; everything by default. What is given must all match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// By the name that the index or `manifest.json` gives it.
    pub tag: Option<String>,
    /// By the digest of its manifest, of an index, or (in a docker archive) of its configuration.
    pub digest: Option<Digest>,
    /// By its position in the index or in `manifest.json`, from 0.
    pub position: Option<usize>,
}

impl Selection {
    /// Everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// The same, restricted to a name.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    /// The same, restricted to a digest.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self }
    }

    /// The same, restricted to a position.
    #[must_use]
    pub fn with_position(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }

    /// Whether it leaves anything out.
    pub(crate) fn narrows(&self) -> bool {
        *self != Self::default()
    }

    /// How a person would say it.
    pub(crate) fn shown(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.tag.as_ref().map(|tag| format!("`{}`", crate::error::shown(tag))));
        parts.extend(self.digest.as_ref().map(|digest| format!("@{digest}")));
        parts.extend(self.position.map(|position| format!("number {position}")));
        parts.join(" ")
    }
}

/// For which platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platforms {
    /// Every platform that is here; one that an inner index lists and that is absent is a warning.
    #[default]
    Present,
    /// Every platform that is listed; an absent one is an error.
    All,
    /// This one; when it is absent, that is an error.
    One(Platform),
}
