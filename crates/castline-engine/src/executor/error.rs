use std::{io, path::PathBuf};

use castline_core::{Digest, plan::Infeasible};

use crate::{DriverError, StoreError};

/// Why a rollout could not be begun, or not be gone on with. What fails on the way, and can be tried again, is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The ledger, or a document, could not be read or written. What was begun on the platform goes on; resume it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform did not say what is there.
    #[error("{what}: {source}")]
    #[non_exhaustive]
    Driver {
        /// What was asked for.
        what: Box<str>,
        /// What the driver said.
        source: DriverError,
    },
    /// There is no plan.
    #[error("there is no plan: {}", .0.what)]
    Infeasible(Box<Infeasible>),
    /// The values do not belong together.
    #[error(transparent)]
    Invalid(#[from] castline_core::Error),
    /// A rollout of the same service is not over.
    #[error("the rollout {rollout} of {service} is not over: resume it, or abort it")]
    #[non_exhaustive]
    UnderWay {
        /// That rollout.
        rollout: Digest,
        /// The service.
        service: Box<str>,
    },
    /// There is no such rollout, or it is over.
    #[error("there is no rollout {rollout} that is not over")]
    #[non_exhaustive]
    NoRollout {
        /// What was asked for.
        rollout: Digest,
    },
    /// The ledger does not know a release that is needed.
    #[error("{what}")]
    #[non_exhaustive]
    NoRelease {
        /// Which, and what it is needed for.
        what: Box<str>,
    },
    /// The rollout asks no such thing.
    #[error("the rollout {rollout} does not ask for `{approval}` now{instead}")]
    #[non_exhaustive]
    NoQuestion {
        /// The rollout.
        rollout: Digest,
        /// What somebody wanted to answer.
        approval: Box<str>,
        /// What it asks instead, in words.
        instead: Box<str>,
    },
    /// The rollout cannot be taken back.
    #[error("the rollout {rollout} cannot go back: {reason}")]
    #[non_exhaustive]
    NoWayBack {
        /// The rollout.
        rollout: Digest,
        /// Why not.
        reason: Box<str>,
    },
    /// A policy names a zone that the driver does not have.
    #[error(
        "{service}: its policy launches in the zone `{zone}`, and the driver {driver} has only the zones {zones}"
    )]
    #[non_exhaustive]
    NoZone {
        /// The service.
        service: Box<str>,
        /// The zone.
        zone: Box<str>,
        /// The driver.
        driver: Box<str>,
        /// Those that it has, in words.
        zones: Box<str>,
    },
    /// A rollout that is executed does not do what it was told. Nothing was recorded.
    #[error("{reason}")]
    #[non_exhaustive]
    Refused {
        /// Why.
        reason: Box<str>,
    },
    /// Nobody who executes a rollout can be spoken to.
    #[error("{}: nobody who executes a rollout can be reached: {source}", .store.display())]
    #[non_exhaustive]
    NotReached {
        /// The folder of the store.
        store: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A rollout was told something, and nobody said what came of it: look into the ledger.
    #[error("{reason}; whether it was recorded is in the ledger")]
    #[non_exhaustive]
    Unanswered {
        /// What is known.
        reason: Box<str>,
    },
}
