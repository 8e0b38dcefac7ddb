//! castline for Python: converts, calls, converts back. What is decided, is decided in the core.

#![forbid(unsafe_code)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::elidable_lifetime_names,
    reason = "the signatures are what Python calls: arguments come as values, methods have a self"
)]

mod arguments;
mod build;
mod documents;
mod drift;
mod error;
mod exit;
mod fleet;
mod html;
mod import;
mod json;
mod ledger;
mod plain;
mod plan;
mod rollout;
mod texts;
mod verify;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _castline {
    use pyo3::{exceptions::PyImportError, prelude::*, sync::PyOnceLock};

    #[pymodule_export]
    use super::build::build;
    #[pymodule_export]
    use super::documents::{Policy, Release};
    #[pymodule_export]
    use super::drift::{DriftReport, Rootfs, Scan, compare, scan};
    #[pymodule_export]
    use super::fleet::{Fleet, Instance};
    #[pymodule_export]
    use super::import::{import_aws, import_docker, import_kubernetes, import_packer};
    #[pymodule_export]
    use super::ledger::Ledger;
    #[pymodule_export]
    use super::plan::{Plan, Target, Timeline, bounds, check, explore, plan, simulate};
    #[pymodule_export]
    use super::rollout::Rollout;
    #[pymodule_export]
    use super::texts::{Amount, Digest, Platform, Reference, Revision, Time, Window};
    #[pymodule_export]
    use super::verify::{Image, Report, Verification, inspect, tree, verify};
    #[pymodule_export]
    use super::work::Cancel;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// Serves one interpreter of a process, and refuses others: they would get classes and exceptions of the first one.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        static FIRST: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        // Each interpreter has its own.
        let builtins = module.py().import("builtins")?;
        let first = FIRST.get_or_init(module.py(), || builtins.clone().unbind());
        if first.is(&builtins) {
            return super::exit::watch(module);
        }
        Err(PyImportError::new_err("castline does not support subinterpreters: use threads or processes"))
    }

    /// The codes of everything that can go wrong, by kind: for tests that each is known here.
    #[pyo3::pyfunction]
    fn _codes() -> Vec<(&'static str, Vec<&'static str>)> {
        super::error::codes()
    }
}
