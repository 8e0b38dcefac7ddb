//! A plan being executed, without I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};

use castline::rollout::{self as core, Event};
use pyo3::{exceptions::PySystemError, prelude::*};

use crate::{
    documents::Release,
    error::OrRaise as _,
    fleet::Fleet,
    json,
    plan::{Plan, Target, releases, targets},
    texts::Time,
    work,
};

/// A plan being executed: asked for what is to be done, told what happened. It does nothing itself, and reads no clock.
///
/// Events and actions are dictionaries, named as in JSON. A journal of the events makes the same rollout again.
#[pyclass(frozen, module = "castline")]
#[derive(Debug)]
pub(crate) struct Rollout(Mutex<Option<core::Rollout>>);

impl Rollout {
    fn of(state: core::Rollout) -> Self {
        Self(Mutex::new(Some(state)))
    }

    /// What is to be known of its state. The lock is held outside the interpreter's only, so that neither waits for the other.
    fn ask<T: Send>(&self, py: Python<'_>, question: impl FnOnce(&core::Rollout) -> T + Send) -> PyResult<T> {
        work::apart(py, || self.state().as_ref().map(question))?.ok_or_else(lost)
    }

    /// None where it was lost, see `on`.
    fn state(&self) -> MutexGuard<'_, Option<core::Rollout>> {
        // No state is left half changed: an event takes it out, and puts the next one in.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A state that met a fault of castline is not gone on with.
fn lost() -> PyErr {
    PySystemError::new_err(
        "the rollout met a fault: make it anew from the plan and the journal of its events",
    )
}

#[pymethods]
impl Rollout {
    /// Begins a rollout of a plan at a moment. `fallback` has the releases to go back to where a policy says so.
    #[new]
    #[pyo3(signature = (plan, *targets, at, fallback = Vec::new()))]
    fn new(
        py: Python<'_>,
        plan: &Plan,
        targets: Vec<Target>,
        at: Time,
        fallback: Vec<Release>,
    ) -> PyResult<Self> {
        let (targets, fallback) = (self::targets(targets), releases(fallback));
        let rollout = work::apart(py, || core::Rollout::start(&plan.0, &targets, &fallback, at.0))?;
        rollout.or_raise(py).map(Self::of)
    }

    /// What is to be done now, `{"actions": […], "wake": …}`: everything that was asked for and that no event has answered yet,
    /// with the same key each time. Feed a `tick` at `wake` if nothing happens before.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.ask(py, core::Rollout::next)?)
    }

    /// Tells it what happened. What changes nothing is ignored; what is no event raises.
    fn on(&self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = event.py();
        let event: Event = json::value("event", event)?;
        // Taken out, not copied: an event costs what it changes, not what the rollout has.
        let happened = work::apart(py, || {
            let mut state = self.state();
            let next = state.take()?.on(&event);
            *state = Some(next);
            Some(())
        })?;
        happened.ok_or_else(lost)
    }

    /// How far it is, `{"status": "running"}`.
    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.ask(py, |state| state.status().clone())?)
    }

    /// Whether nothing comes any more.
    #[getter]
    fn ended(&self, py: Python<'_>) -> PyResult<bool> {
        self.ask(py, |state| state.status().is_end())
    }

    /// How far it is, in numbers.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.ask(py, core::Rollout::progress)?)
    }

    /// What waits, and what for: one of each kind.
    fn waits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.ask(py, core::Rollout::waits)?)
    }

    /// The fleet of a service, as far as events tell.
    fn fleet(&self, py: Python<'_>, service: &str) -> PyResult<Option<Fleet>> {
        Ok(self.ask(py, |state| state.fleet(service))?.map(Fleet))
    }

    /// The plan that is executed: the one that it was started with, or the one made since for a resize or for going back.
    #[getter]
    fn plan(&self, py: Python<'_>) -> PyResult<Plan> {
        self.ask(py, |state| state.plan().clone()).map(Plan)
    }

    /// The time of the last event.
    #[getter]
    fn clock(&self, py: Python<'_>) -> PyResult<Time> {
        self.ask(py, core::Rollout::clock).map(Time)
    }

    /// Another one that goes on from the same state.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        self.ask(py, core::Rollout::clone).map(Self::of)
    }

    fn __copy__(&self, py: Python<'_>) -> PyResult<Self> {
        self.copy(py)
    }

    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.copy(py)
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        // One lock at a time: somebody may compare the other way round.
        let theirs = other.ask(py, core::Rollout::clone)?;
        self.ask(py, |ours| *ours == theirs)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.ask(py, |state| {
            let progress = state.progress();
            let all = progress.waiting + progress.active + progress.done + progress.failed;
            format!("<castline.Rollout {:?}, {} of {all} done>", state.status(), progress.done)
        })
    }
}
