//! Plans: made, proved, explored, simulated, shown.

use castline::{
    plan::{self as core, simulate::Timeline, simulate::World},
    preview,
};
use napi::bindgen_prelude::{BigInt, ClassInstance, Env, Object};
use napi_derive::napi;

use crate::{
    document::{self, Document, Value, count, releases},
    error::{OrThrow as _, Result},
    work::{Watch, job, json, value},
};

type Documents<'env> = Vec<ClassInstance<'env, Document>>;

fn planned(targets: &[core::Target]) -> Result<Document> {
    core::plan(targets).map(|plan| Document(Value::Plan(plan))).or_throw()
}

/// How these services get from what runs to what should.
#[napi(catch_unwind)]
pub fn plan_sync(targets: Documents<'_>) -> Result<Document> {
    planned(&document::targets(&targets)?)
}

/// The same, off the event loop.
#[napi(catch_unwind)]
pub fn plan<'env>(env: &'env Env, targets: Documents<'_>, watch: &Watch) -> Result<Object<'env>> {
    let targets = document::targets(&targets)?;
    job(env, watch, move |_| planned(&targets))
}

fn proved(plan: &core::Plan, targets: &[core::Target]) -> Result<String> {
    json(&core::check::check(plan, targets).or_throw()?)
}

/// Proves that a plan is safe and does what was asked for.
#[napi(catch_unwind)]
pub fn check_sync(plan: &Document, targets: Documents<'_>) -> Result<String> {
    proved(plan.as_plan()?, &document::targets(&targets)?)
}

/// The same, off the event loop.
#[napi(catch_unwind)]
pub fn check<'env>(
    env: &'env Env,
    plan: &Document,
    targets: Documents<'_>,
    watch: &Watch,
) -> Result<Object<'env>> {
    let (plan, targets) = (plan.as_plan()?.clone(), document::targets(&targets)?);
    job(env, watch, move |_| proved(&plan, &targets))
}

/// Executes a plan in every order in which things can happen.
#[napi(catch_unwind)]
pub fn explore<'env>(
    env: &'env Env,
    plan: &Document,
    targets: Documents<'_>,
    fallback: Documents<'_>,
    states: Option<BigInt>,
    faults: Option<u32>,
    watch: &Watch,
) -> Result<Object<'env>> {
    let (plan, targets, fallback) =
        (plan.as_plan()?.clone(), document::targets(&targets)?, releases(&fallback)?);
    let mut extent = core::check::Extent::default();
    if let Some(states) = states {
        extent = extent.with_states(count(states)?);
    }
    if let Some(faults) = faults {
        extent = extent.with_faults(faults);
    }
    job(env, watch, move |_| json(&core::check::explore(&plan, &targets, &fallback, extent).or_throw()?))
}

fn world(json: Option<String>) -> Result<World> {
    json.map_or_else(|| Ok(World::default()), |json| value("world", &json))
}

/// Executes a plan in a simulated world, off the event loop.
#[napi(catch_unwind)]
pub fn simulate<'env>(
    env: &'env Env,
    plan: &Document,
    targets: Documents<'_>,
    fallback: Documents<'_>,
    world: Option<String>,
    at: Option<String>,
    watch: &Watch,
) -> Result<Object<'env>> {
    let (plan, targets, fallback) =
        (plan.as_plan()?.clone(), document::targets(&targets)?, releases(&fallback)?);
    let world = self::world(world)?;
    let at = at.map_or_else(|| Ok(castline::Time::default()), |at| at.parse().or_throw())?;
    job(env, watch, move |_| json(&core::simulate(&plan, &targets, &fallback, &world, at).or_throw()?))
}

/// How many waves a plan has, and the fewest that any plan could have.
#[napi(catch_unwind)]
pub fn bounds(plan: &Document, targets: Documents<'_>, world: Option<String>) -> Result<String> {
    json(&core::bounds(plan.as_plan()?, &document::targets(&targets)?, &self::world(world)?))
}

/// A plan for a terminal (`text`), as a drawing (`svg`) or as a page (`html`).
#[napi(catch_unwind)]
pub fn show(plan: &Document, form: String, timeline: Option<String>, width: u32) -> Result<String> {
    let plan = plan.as_plan()?;
    let timeline: Option<Timeline> = timeline.map(|json| value("timeline", &json)).transpose()?;
    Ok(match &*form {
        "svg" => preview::svg(plan, timeline.as_ref()),
        "html" => preview::html(plan, timeline.as_ref()),
        _ => preview::text(plan, timeline.as_ref(), width as usize),
    })
}
