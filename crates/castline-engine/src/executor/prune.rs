use castline_core::{
    Digest,
    ledger::{Ledger, Needed, Record},
};

use super::{EngineError, Executor};

/// Which images can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unneeded {
    /// Those of the images asked about that nothing in the ledger needs, in their order.
    pub images: Vec<Digest>,
    /// What the ledger needs. Where it does not know what image a release is of, everything.
    pub needed: Needed,
}

/// Which of these images no release needs that runs, is under way, or is one of the `keep` releases of each service that can be
/// gone back to. Images are named by the digests of their manifests or configurations.
pub fn unneeded(ledger: &Ledger, keep: usize, images: impl IntoIterator<Item = Digest>) -> Unneeded {
    let needed = ledger.images_needed(keep);
    let images = images.into_iter().filter(|image| !needed.has(image)).collect();
    Unneeded { images, needed }
}

impl Executor {
    /// Records that images are removed: before that is done, so that nobody goes back to one that is half gone.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`].
    pub async fn record_pruning(&self, images: Vec<Digest>, actor: &str) -> Result<Ledger, EngineError> {
        self.record(actor, vec![Record::Pruning { images }]).await
    }
}
