use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::plan::Reason;

/// What a simulated rollout did, moment by moment. Times are milliseconds from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Timeline {
    /// When it ended.
    pub makespan_millis: u64,
    /// How it ended, as the rollout's status says.
    pub outcome: String,
    /// Capacity over time, for each limit of the plan, in the plan's order.
    pub capacity: Vec<Vec<Sample>>,
    /// Each instance that was there, in the order in which they came: those that were there before by id.
    pub lives: Vec<Life>,
    /// When each stage began and was done, in the plan's order.
    pub stages: Vec<Interval>,
}

/// What a limit counts, from a moment on until the next sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// From when on.
    pub at_millis: u64,
    /// How many instances there are.
    pub present: u64,
    /// How many of them are available.
    pub available: u64,
}

/// One instance from its launch to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Life {
    /// Its service.
    pub service: Arc<str>,
    /// Its id; made up for those that were launched.
    pub instance: Arc<str>,
    /// Its zone.
    pub zone: Arc<str>,
    /// Whether it is of the release that is rolled out.
    pub new: bool,
    /// Why it is launched or retired; none for one that stays.
    pub reason: Option<Reason>,
    /// When it was launched; none where it was there before.
    pub launched_millis: Option<u64>,
    /// When it became available; none where it was from the beginning, or never.
    pub available_millis: Option<u64>,
    /// When it was taken out of service.
    pub retired_millis: Option<u64>,
    /// When it was gone, or had failed to launch.
    pub gone_millis: Option<u64>,
}

/// From when to when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Interval {
    /// The beginning; none where it never began.
    pub from_millis: Option<u64>,
    /// The end; none where it was never done.
    pub to_millis: Option<u64>,
}
