use std::{fmt, future::Future, pin::Pin, sync::Arc};

use castline_core::{
    Fleet, Release,
    drift::DriftReport,
    rollout::{Action, What},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use crate::{DriverError, KeptImage, Removal};

/// Work of a driver that is under way. Letting go of it stops waiting for it; what was asked of the platform may go on.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, DriverError>> + Send + 'a>>;

/// What does a rollout's actions on a platform, and says what is there.
///
/// An implementation keeps three promises, and needs no other state than the platform's:
///
/// - **An action is done once, however often it is asked for.** An instance that is launched carries, as labels or the like, the
///   action's key ([`Key::LABEL`](castline_core::rollout::Key::LABEL)), its service, zone, slot and revision; a launch whose key
///   an instance has answers with that instance. To retire what is gone is done.
/// - **What is there is said as it is**: [`Self::observe`] makes everything good that events have missed.
/// - **What fails for good has left nothing behind.** A launch that ends in [`DriverError::Permanent`], or in `LaunchFailed`, is
///   taken to have made nothing; what it had made half is taken away first, or has the key, by which it is found.
/// - **Who asks may stop waiting at any time**, as when their process ends, and another one asks for the same.
/// - **Only what was verified is launched**: the image is the one whose digests the release has.
pub trait Driver: fmt::Debug + Send + Sync {
    /// What it is called in messages: `local`, `docker`, …
    fn name(&self) -> &str;

    /// The zones in which it launches instances; none where any will do.
    fn zones(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    /// The instances of a service as they are now, those in quarantine among them.
    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet>;

    /// Tells what happens to the instances of these services, from now on, until nobody listens any more: `Ready`, `NotReady`,
    /// `Failed`, `Gone`. May repeat itself. What it tells before its first answer is lost, so that whoever needs all of it
    /// observes once this has begun. What it tells of an instance may come before its launch is answered.
    fn watch<'a>(&'a self, services: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()>;

    /// Does an action, and answers with what came of it: `Launched` or `LaunchFailed`, `Gone` or `Quarantined`, `Shifted`, `Passed`
    /// or `NotPassed`, and so on. A launch is done when the instance is there, whether or not it is ready; retiring, when it is gone
    /// or out of traffic.
    ///
    /// `release` is the one that the action's revision is of; none for actions that name none.
    ///
    /// # Errors
    ///
    /// [`DriverError::Temporary`] where asking again may help: the same action is asked for again after a while.
    /// [`DriverError::Permanent`] where it will not.
    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>>;

    /// Whether an instance of a release could be launched from here, as far as that can be said without doing anything: whether its
    /// image, its secrets and the program that moves traffic are there. Asked before a rollout begins, so that nothing is touched
    /// where launches would fail. What is provided here knows of nothing that is missing.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] with what is missing.
    fn ready<'a>(&'a self, release: &'a Release) -> Doing<'a, ()> {
        let _ = release;
        Box::pin(async { Ok(()) })
    }

    /// Compares the files of an instance with those of its release's image. `release` is the one that the instance runs.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where this driver cannot look into instances, or not in this mode: what is provided here
    /// always says so. Who asks takes such an instance for unverified, never for clean.
    fn check<'a>(
        &'a self,
        instance: &'a str,
        release: &'a Release,
        mode: CheckMode,
    ) -> Doing<'a, DriftReport> {
        let _ = (release, mode);
        let message =
            format!("the driver {} cannot compare the files of `{instance}` with its image", self.name());
        Box::pin(async move { Err(DriverError::permanent(message)) })
    }

    /// The images that this driver has brought to its platform and that are there, sorted by place and digest; `None` where it brings
    /// none, or they are the platform's to remove: what is provided here says so. What was there before is not among them.
    ///
    /// # Errors
    ///
    /// Where a place cannot be asked: what is used there is not known.
    fn images(&self) -> Doing<'_, Option<Vec<KeptImage>>> {
        Box::pin(async { Ok(None) })
    }

    /// Removes one of [`Self::images`], unless somebody uses it: never by force. It is brought again when an instance of it is launched;
    /// nothing may be launched meanwhile. What is gone is removed.
    ///
    /// # Errors
    ///
    /// [`DriverError::Permanent`] where this driver keeps no images: what is provided here always says so.
    fn remove_image<'a>(&'a self, image: &'a KeptImage) -> Doing<'a, Removal> {
        let message =
            format!("the driver {} keeps no images: {} is not its to remove", self.name(), image.image);
        Box::pin(async move { Err(DriverError::permanent(message)) })
    }
}

/// How much of an instance is read to compare it with its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckMode {
    /// Only what was written since it was launched, as the layer above the image has it. Misses what was done to the
    /// image's own files below.
    Fast,
    /// Every file.
    #[default]
    Full,
}
