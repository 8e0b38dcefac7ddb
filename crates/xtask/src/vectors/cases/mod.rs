//! The cases, by subject.

#![expect(clippy::too_many_lines, reason = "the cases of one subject are one list")]

mod archives;
mod artifacts;
mod blobs;
mod builds;
mod canonical;
mod configs;
mod descriptors;
mod docker;
mod documents;
mod drifts;
mod fleets;
mod forms;
mod guards;
mod infeasible;
mod journals;
mod layers;
mod ledgers;
mod links;
mod plans;
mod platforms;
mod references;
mod rollouts;
mod strategies;
mod structure;
mod tars;
pub(super) mod texts;
pub(super) mod transient;
mod trees;
mod troubles;
pub(super) mod values;

use super::case::Section;

/// Every committed case, in the order of the table.
pub(super) fn committed() -> Vec<Section> {
    [
        forms::sections(),
        platforms::sections(),
        artifacts::sections(),
        links::sections(),
        references::sections(),
        structure::sections(),
        documents::sections(),
        descriptors::sections(),
        blobs::sections(),
        configs::sections(),
        layers::sections(),
        tars::sections(),
        trees::sections(),
        drifts::sections(),
        archives::sections(),
        docker::sections(),
        canonical::sections(),
        plans::sections(),
        strategies::sections(),
        infeasible::sections(),
        rollouts::sections(),
        troubles::sections(),
        guards::sections(),
        ledgers::sections(),
        builds::sections(),
    ]
    .concat()
}
