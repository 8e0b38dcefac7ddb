//! A plan being executed, without I/O.

use std::sync::{Mutex, MutexGuard, PoisonError};

use castline::rollout::{self as core, Event};
use pyo3::prelude::*;

use crate::{
    documents::Release,
    error::OrRaise as _,
    fleet::Fleet,
    json,
    plan::{Plan, Target, releases, targets},
    texts::Time,
};

/// A plan being executed: asked for what is to be done, told what happened. It does nothing itself, and reads no clock.
///
/// Events and actions are dictionaries, named as in JSON. A journal of the events makes the same rollout again.
#[pyclass(frozen, module = "castline")]
#[derive(Debug)]
pub(crate) struct Rollout(Mutex<core::Rollout>);

impl Rollout {
    fn state(&self) -> MutexGuard<'_, core::Rollout> {
        // No state is left half changed: `on` makes the new one before it takes the place of the old one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let rollout = py.detach(|| core::Rollout::start(&plan.0, &targets, &fallback, at.0));
        Ok(Self(Mutex::new(rollout.or_raise(py)?)))
    }

    /// What is to be done now, `{"actions": […], "wake": …}`: everything that was asked for and that no event has answered yet,
    /// with the same key each time. Feed a `tick` at `wake` if nothing happens before.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.state().next())
    }

    /// Tells it what happened. What changes nothing is ignored; what is no event raises.
    fn on(&self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let event: Event = json::value("event", event)?;
        let mut state = self.state();
        *state = state.clone().on(&event);
        Ok(())
    }

    /// How far it is, `{"status": "running"}`.
    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, self.state().status())
    }

    /// Whether nothing comes any more.
    #[getter]
    fn ended(&self) -> bool {
        self.state().status().is_end()
    }

    /// How far it is, in numbers.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.state().progress())
    }

    /// What waits, and what for: one of each kind.
    fn waits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.state().waits())
    }

    /// The fleet of a service, as far as events tell.
    fn fleet(&self, service: &str) -> Option<Fleet> {
        self.state().fleet(service).map(Fleet)
    }

    /// The plan that is executed: the one that it was started with, or the one made since for a resize or for going back.
    #[getter]
    fn plan(&self) -> Plan {
        Plan(self.state().plan().clone())
    }

    /// The time of the last event.
    #[getter]
    fn clock(&self) -> Time {
        Time(self.state().clock())
    }

    /// Another one that goes on from the same state.
    fn copy(&self) -> Self {
        Self(Mutex::new(self.state().clone()))
    }

    fn __eq__(&self, other: &Self) -> bool {
        // One lock at a time: somebody may compare the other way round.
        let theirs = other.state().clone();
        *self.state() == theirs
    }

    fn __repr__(&self) -> String {
        let state = self.state();
        let progress = state.progress();
        let all = progress.waiting + progress.active + progress.done + progress.failed;
        format!("<castline.Rollout {:?}, {} of {all} done>", state.status(), progress.done)
    }
}
