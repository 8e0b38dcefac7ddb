//! Plans: made, proved, explored, simulated.

use std::ffi::{c_char, c_int};

use castline::{
    Release, Time,
    plan::{self as core, check::Extent, simulate::World},
    policy::Policy,
};

use crate::{
    boundary::{answer, making},
    bytes::{castline_bytes, json},
    document::{castline_fleet, castline_plan, castline_policy, castline_release},
    error::{Result, castline_error},
    handle::of,
    input::{bytes, list, optional, value},
    status::castline_status,
};

/// What is to become of one service. Nothing is taken over: what it points to is freed by whom it belongs to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct castline_target {
    /// What runs.
    pub fleet: *const castline_fleet,
    /// What should.
    pub release: *const castline_release,
    /// How it may get there; NULL for the default.
    pub policy: *const castline_policy,
}

/// # Safety
///
/// As the header's rules ask of callers.
pub(crate) unsafe fn targets(first: *const castline_target, count: usize) -> Result<Vec<core::Target>> {
    // SAFETY: the caller's contract is passed on.
    unsafe {
        let target = |one: &castline_target| {
            let policy = if one.policy.is_null() {
                Policy::default()
            } else {
                of(one.policy, "a target's policy")?.clone()
            };
            let fleet = of(one.fleet, "a target's fleet")?.clone();
            Ok(core::Target { fleet, release: of(one.release, "a target's release")?.clone(), policy })
        };
        list(first, count, "targets")?.iter().map(target).collect()
    }
}

/// # Safety
///
/// As the header's rules ask of callers.
pub(crate) unsafe fn releases(first: *const *const castline_release, count: usize) -> Result<Vec<Release>> {
    // SAFETY: the caller's contract is passed on.
    unsafe {
        let releases = list(first, count, "fallback")?.iter();
        releases.map(|&one| of(one, "a release of fallback").cloned()).collect()
    }
}

/// # Safety
///
/// As the header's rules ask of callers.
unsafe fn world(json: *const c_char, length: usize) -> Result<World> {
    if json.is_null() {
        return Ok(World::default());
    }
    // SAFETY: the caller's contract is passed on.
    value("world", unsafe { bytes(json, length, "world") }?)
}

/// Plans how services get from what runs to what should. CASTLINE_INFEASIBLE if there is no plan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_of(
    targets: *const castline_target,
    target_count: usize,
    plan_out: *mut *mut castline_plan,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(plan_out, error_out, || Ok(core::plan(&self::targets(targets, target_count)?)?)) }
}

/// Proves that a plan is safe and does what was asked for: the proof, as JSON. CASTLINE_VIOLATION if it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_check(
    plan: *const castline_plan,
    targets: *const castline_target,
    target_count: usize,
    proof_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(proof_out, error_out, || {
            json(&core::check::check(of(plan, "plan")?, &self::targets(targets, target_count)?)?)
        })
    }
}

/// Executes a plan in every order in which things can happen, in `states` states at most (0 for the default) with up to
/// `faults` faults: the proof, as JSON. `fallback` are releases to go back to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_explore(
    plan: *const castline_plan,
    targets: *const castline_target,
    target_count: usize,
    fallback: *const *const castline_release,
    fallback_count: usize,
    states: u64,
    faults: u32,
    proof_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    let extent = Extent::default().with_faults(faults);
    let extent = if states == 0 { extent } else { extent.with_states(states) };
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(proof_out, error_out, || {
            let fallback = releases(fallback, fallback_count)?;
            let targets = self::targets(targets, target_count)?;
            json(&core::check::explore(of(plan, "plan")?, &targets, &fallback, extent)?)
        })
    }
}

/// Executes a plan in a simulated world, from the moment `at` on: what happens when, as JSON. `world` is NULL or JSON;
/// `at` is NULL or as `2026-11-23T22:50:00Z`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_simulate(
    plan: *const castline_plan,
    targets: *const castline_target,
    target_count: usize,
    fallback: *const *const castline_release,
    fallback_count: usize,
    world: *const c_char,
    world_length: usize,
    at: *const c_char,
    timeline_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(timeline_out, error_out, || {
            let at = optional(at, "at")?.map_or(Ok(Time::default()), str::parse)?;
            let world = self::world(world, world_length)?;
            let fallback = releases(fallback, fallback_count)?;
            let targets = self::targets(targets, target_count)?;
            json(&core::simulate(of(plan, "plan")?, &targets, &fallback, &world, at)?)
        })
    }
}

/// How many waves a plan has and how long it takes, and the least that any plan could, as JSON. `world` is NULL or
/// JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_bounds(
    plan: *const castline_plan,
    targets: *const castline_target,
    target_count: usize,
    world: *const c_char,
    world_length: usize,
    bounds_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(bounds_out, error_out, || {
            let world = self::world(world, world_length)?;
            json(&core::bounds(of(plan, "plan")?, &self::targets(targets, target_count)?, &world))
        })
    }
}

/// A plan's replacements in their order, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_replacements(
    plan: *const castline_plan,
    replacements_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(replacements_out, error_out, || json(&of(plan, "plan")?.replacements().collect::<Vec<_>>()))
    }
}

/// How many waves a plan has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_wave_count(plan: *const castline_plan) -> u32 {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(plan, "plan") }?.waves()))
}

/// 1 if there is nothing to do in a plan, 0 if there is, or for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_is_empty(plan: *const castline_plan) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(plan, "plan") }?.is_empty().into()))
}
