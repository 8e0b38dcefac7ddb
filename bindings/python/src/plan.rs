//! Plans: made, proved, simulated, shown.

use castline::{
    plan::{self as core, simulate::World},
    preview,
};
use pyo3::prelude::*;

use crate::{
    documents::{Policy, Release, document_class},
    error::{self, OrRaise as _},
    fleet::Fleet,
    json,
    texts::Time,
    work,
};

/// What is to become of one service.
#[pyclass(frozen, eq, from_py_object, module = "castline")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target(pub(crate) core::Target);

#[pymethods]
impl Target {
    #[new]
    #[pyo3(signature = (fleet, release, policy = None))]
    fn new(fleet: &Fleet, release: &Release, policy: Option<&Policy>) -> Self {
        let policy = policy.map(|policy| policy.0.clone()).unwrap_or_default();
        Self(core::Target { fleet: fleet.0.clone(), release: release.0.clone(), policy })
    }

    /// What runs.
    #[getter]
    fn fleet(&self) -> Fleet {
        Fleet(self.0.fleet.clone())
    }

    /// What should.
    #[getter]
    fn release(&self) -> Release {
        Release(self.0.release.clone())
    }

    /// How it may get there.
    #[getter]
    fn policy(&self) -> Policy {
        Policy(self.0.policy.clone())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let all = (self.fleet().digest(py)?.0, self.release().digest(py)?.0, self.policy().digest(py)?.0);
        Ok(crate::texts::hashed(&all))
    }

    fn __repr__(&self) -> String {
        let replicas = self.0.release.replicas();
        format!(
            "<castline.Target {}: {} to {replicas}>",
            self.0.fleet.service(),
            self.0.fleet.instances().len()
        )
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> (Py<pyo3::types::PyType>, (Fleet, Release, Policy)) {
        let target = slf.get();
        (slf.get_type().unbind(), (target.fleet(), target.release(), target.policy()))
    }
}

pub(crate) fn targets(targets: Vec<Target>) -> Vec<core::Target> {
    targets.into_iter().map(|target| target.0).collect()
}

pub(crate) fn releases(releases: Vec<Release>) -> Vec<castline::Release> {
    releases.into_iter().map(|release| release.0).collect()
}

document_class! {
    /// How fleets get from what runs to what should, instance by instance.
    Plan(core::Plan), |plan| {
        format!("{} stages, {} replacements, {} waves", plan.stages.len(), plan.replacements().count(), plan.waves())
    }, {
        /// Whether there is nothing to do.
        #[getter]
        fn empty(&self) -> bool {
            self.0.is_empty()
        }

        /// How many waves it takes.
        #[getter]
        fn waves(&self) -> u32 {
            self.0.waves()
        }

        /// Its stages, as dictionaries.
        #[getter]
        fn stages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.stages)
        }

        /// Its limits, as dictionaries.
        #[getter]
        fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.limits)
        }

        /// All replacements in their order, as dictionaries.
        #[getter]
        fn replacements<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            json::to_python(py, &self.0.replacements().collect::<Vec<_>>())
        }

        /// For a terminal: stages, replacements and reasons, and capacity over time where a timeline is given.
        #[pyo3(signature = (timeline = None, *, width = 100))]
        fn to_text(&self, timeline: Option<&Timeline>, width: usize) -> String {
            preview::text(&self.0, timeline.map(|timeline| &timeline.0), width)
        }

        /// A drawing.
        #[pyo3(signature = (timeline = None))]
        fn to_svg(&self, timeline: Option<&Timeline>) -> String {
            preview::svg(&self.0, timeline.map(|timeline| &timeline.0))
        }

        /// A page that needs nothing from elsewhere.
        #[pyo3(signature = (timeline = None))]
        fn to_html(&self, timeline: Option<&Timeline>) -> String {
            preview::html(&self.0, timeline.map(|timeline| &timeline.0))
        }

        /// For notebooks: the drawing.
        fn _repr_html_(&self) -> String {
            self.to_svg(None)
        }
    }
}

json::record_class! {
    /// What a simulated rollout did, moment by moment. Times are milliseconds from its beginning.
    Timeline(core::simulate::Timeline), "timeline", |timeline| {
        format!("{} in {} ms", timeline.outcome, timeline.makespan_millis)
    }, {
        /// How it ended.
        #[getter]
        fn outcome(&self) -> &str {
            &self.0.outcome
        }

        /// When it ended.
        #[getter]
        fn makespan_millis(&self) -> u64 {
            self.0.makespan_millis
        }
    }
}

/// How these services get from what runs to what should. Raises `InfeasibleError`, with what is in conflict, before anything is
/// touched.
#[pyfunction]
#[pyo3(signature = (*targets))]
pub(crate) fn plan(py: Python<'_>, targets: Vec<Target>) -> PyResult<Plan> {
    let targets = self::targets(targets);
    work::apart(py, || core::plan(&targets))?
        .map(Plan)
        .map_err(|infeasible| error::raise_infeasible(py, &infeasible))
}

/// Proves that a plan is safe and does what was asked for; returns the proof. Raises `ViolationError`.
#[pyfunction]
#[pyo3(signature = (plan, *targets))]
pub(crate) fn check<'py>(py: Python<'py>, plan: &Plan, targets: Vec<Target>) -> PyResult<Bound<'py, PyAny>> {
    let targets = self::targets(targets);
    let proof = work::apart(py, || core::check::check(&plan.0, &targets))?;
    json::to_python(py, &proof.map_err(|violation| error::raise_violation(py, &violation))?)
}

/// Executes a plan in every order in which things can happen, with so many faults anywhere; for small plans. Raises
/// `ViolationError` with one of the shortest ways there.
#[pyfunction]
#[pyo3(signature = (plan, *targets, fallback = Vec::new(), states = None, faults = None))]
pub(crate) fn explore<'py>(
    py: Python<'py>,
    plan: &Plan,
    targets: Vec<Target>,
    fallback: Vec<Release>,
    states: Option<u64>,
    faults: Option<u32>,
) -> PyResult<Bound<'py, PyAny>> {
    let (targets, fallback) = (self::targets(targets), releases(fallback));
    let mut extent = core::check::Extent::default();
    if let Some(states) = states {
        extent = extent.with_states(states);
    }
    if let Some(faults) = faults {
        extent = extent.with_faults(faults);
    }
    let explored = work::apart(py, || core::check::explore(&plan.0, &targets, &fallback, extent))?;
    json::to_python(py, &explored.map_err(|violation| error::raise_violation(py, &violation))?)
}

/// A world of Python's own values; the default one where there is none.
fn world(world: Option<&Bound<'_, PyAny>>) -> PyResult<World> {
    world.map_or_else(|| Ok(World::default()), |world| json::value("world", world))
}

/// Executes a plan in a simulated world, whose members are as in JSON, e.g. `{"launchMillis": {"least": 5000, "most": 9000}}`.
#[pyfunction]
#[pyo3(signature = (plan, *targets, fallback = Vec::new(), world = None, at = None))]
pub(crate) fn simulate(
    py: Python<'_>,
    plan: &Plan,
    targets: Vec<Target>,
    fallback: Vec<Release>,
    world: Option<&Bound<'_, PyAny>>,
    at: Option<Time>,
) -> PyResult<Timeline> {
    let (targets, fallback, world) = (self::targets(targets), releases(fallback), self::world(world)?);
    let at = at.map(|at| at.0).unwrap_or_default();
    work::apart(py, || core::simulate(&plan.0, &targets, &fallback, &world, at))?.or_raise(py).map(Timeline)
}

/// How many waves a plan has, and the fewest that any plan could have.
#[pyfunction]
#[pyo3(signature = (plan, *targets, world = None))]
pub(crate) fn bounds<'py>(
    py: Python<'py>,
    plan: &Plan,
    targets: Vec<Target>,
    world: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (targets, world) = (self::targets(targets), self::world(world)?);
    json::to_python(py, &work::apart(py, || core::bounds(&plan.0, &targets, &world))?)
}
