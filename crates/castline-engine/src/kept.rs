//! Images that drivers keep on their platforms.

use std::{fmt, sync::Arc};

use castline_core::Digest;

/// An image that a driver has brought to its platform, and keeps there until [`Driver::remove_image`](crate::Driver::remove_image).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptImage {
    /// Where it is, where that can be several places: the engine.
    pub place: Option<Arc<str>>,
    /// The digest that names it: of its manifest, or of its configuration.
    pub image: Digest,
    /// All digests that name it there, that one among them.
    pub names: Vec<Digest>,
    /// How many bytes of disk it takes there.
    pub bytes: u64,
    /// Whether anything there uses it: an instance, those in quarantine among them, or whatever else the platform has.
    pub in_use: bool,
}

impl KeptImage {
    /// An image of this digest that takes so many bytes, of a driver that has one place only, and that nothing uses.
    pub fn new(image: Digest, bytes: u64) -> Self {
        Self { place: None, names: vec![image.clone()], image, bytes, in_use: false }
    }
}

/// What came of removing an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// It is gone.
    Removed,
    /// The platform keeps it, since somebody uses it.
    #[non_exhaustive]
    Refused {
        /// Why, in the platform's words.
        reason: Box<str>,
    },
}

impl Removal {
    /// It was refused for this reason.
    pub fn refused(reason: impl fmt::Display) -> Self {
        Self::Refused { reason: reason.to_string().into() }
    }
}
