//! A plan being executed, without I/O.

use std::{
    ffi::{c_char, c_int},
    sync::{RwLock, RwLockReadGuard, TryLockError},
};

use castline::rollout::{self as core, Event};

use crate::{
    boundary::{answer, freeing, making, making_some, wall},
    bytes::{castline_bytes, ended, json},
    document::{castline_fleet, castline_plan, castline_release},
    error::{Failure, Result, castline_error},
    handle::{handle, of},
    input::{bytes, text, value},
    plan::{castline_target, releases, targets},
    status::{self, castline_status},
};

/// A plan being executed: asked for what is to be done, told what happened. It does nothing itself and reads no clock.
/// Free it with castline_rollout_free().
pub struct castline_rollout {
    _opaque: [u8; 0],
}
handle!(castline_rollout, State, 25);

/// Empty after a fault on the way from one state to the next: nothing is left that is half changed.
pub(crate) struct State(RwLock<Option<core::Rollout>>);

fn in_use<T>(reason: &TryLockError<T>) -> Failure {
    match reason {
        TryLockError::WouldBlock => {
            Failure::new(status::CASTLINE_IN_USE, "another thread is changing this rollout")
        }
        TryLockError::Poisoned(_) => ended_by_fault(),
    }
}

fn ended_by_fault() -> Failure {
    Failure::panic("a fault has ended this rollout: make it again from its journal")
}

impl State {
    fn of(state: core::Rollout) -> Self {
        Self(RwLock::new(Some(state)))
    }

    /// Does not wait: where another thread changes it, that is an error.
    fn read(&self) -> Result<RwLockReadGuard<'_, Option<core::Rollout>>> {
        self.0.try_read().map_err(|reason| in_use(&reason))
    }

    fn ask<T>(&self, question: impl FnOnce(&core::Rollout) -> Result<T>) -> Result<T> {
        question(self.read()?.as_ref().ok_or_else(ended_by_fault)?)
    }

    fn on(&self, event: &Event) -> Result<()> {
        let mut state = self.0.try_write().map_err(|reason| in_use(&reason))?;
        let before = state.take().ok_or_else(ended_by_fault)?;
        *state = Some(before.on(event));
        Ok(())
    }
}

/// Begins a rollout of a plan at a moment, as `2026-11-23T22:50:00Z`. `fallback` are releases to go back to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_start(
    plan: *const castline_plan,
    targets: *const castline_target,
    target_count: usize,
    fallback: *const *const castline_release,
    fallback_count: usize,
    at: *const c_char,
    rollout_out: *mut *mut castline_rollout,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(rollout_out, error_out, || {
            let targets = self::targets(targets, target_count)?;
            let fallback = releases(fallback, fallback_count)?;
            let at = text(at, "at")?.parse()?;
            Ok(State::of(core::Rollout::start(of(plan, "plan")?, &targets, &fallback, at)?))
        })
    }
}

/// What is to be done now, as JSON: `actions`, the same ones with the same `key` until an event says what became of
/// them, and when to `wake`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_next(
    rollout: *const castline_rollout,
    next_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(next_out, error_out, || of(rollout, "rollout")?.ask(|state| json(&state.next()))) }
}

/// Tells a rollout what happened: an event, as JSON. Not from two threads at once: one of them gets CASTLINE_IN_USE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_on(
    rollout: *mut castline_rollout,
    event: *const c_char,
    event_length: usize,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        wall(error_out, || {
            let event: Event = value("event", bytes(event, event_length, "event")?)?;
            of(rollout, "rollout")?.on(&event)
        })
    }
}

/// How far a rollout is, as JSON: `{"status": "running"}`, or what stops it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_status(
    rollout: *const castline_rollout,
    status_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(status_out, error_out, || of(rollout, "rollout")?.ask(|state| json(state.status()))) }
}

/// 1 if nothing comes any more, 0 if something does. 1 for NULL and for what is no rollout, too, so that a loop ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_has_ended(rollout: *const castline_rollout) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(1, || unsafe { of(rollout, "rollout") }?.ask(|state| Ok(state.status().is_end().into())))
}

/// How far a rollout is in numbers, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_progress(
    rollout: *const castline_rollout,
    progress_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(progress_out, error_out, || of(rollout, "rollout")?.ask(|state| json(&state.progress())))
    }
}

/// What waits, and what for, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_waits(
    rollout: *const castline_rollout,
    waits_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(waits_out, error_out, || of(rollout, "rollout")?.ask(|state| json(&state.waits()))) }
}

/// The fleet of a service, as far as events tell; NULL if the rollout has no such service.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_fleet(
    rollout: *const castline_rollout,
    service: *const c_char,
    fleet_out: *mut *mut castline_fleet,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(fleet_out, error_out, || {
            let service = text(service, "service")?;
            of(rollout, "rollout")?.ask(|state| Ok(state.fleet(service)))
        })
    }
}

/// The plan that is executed: another one after a resize or on the way back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_plan(
    rollout: *const castline_rollout,
    plan_out: *mut *mut castline_plan,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(plan_out, error_out, || of(rollout, "rollout")?.ask(|state| Ok(state.plan().clone()))) }
}

/// The time of the last event, as a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_clock(
    rollout: *const castline_rollout,
    clock_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(clock_out, error_out, || {
            of(rollout, "rollout")?.ask(|state| Ok(ended(state.clock().to_string())))
        })
    }
}

/// Another rollout that goes on from the same state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_copy(
    rollout: *const castline_rollout,
    copy_out: *mut *mut castline_rollout,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(copy_out, error_out, || of(rollout, "rollout")?.ask(|state| Ok(State::of(state.clone()))))
    }
}

/// 1 if both are in the same state, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_equals(
    rollout: *const castline_rollout,
    other: *const castline_rollout,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    let (rollout, other) = unsafe { (of(rollout, "rollout"), of(other, "other")) };
    answer(0, || {
        let (rollout, other) = (rollout?.read()?, other?.read()?);
        Ok((rollout.is_some() && *rollout == *other).into())
    })
}

/// Frees a rollout. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_rollout_free(rollout: *mut castline_rollout) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(rollout) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_that_is_in_use_or_ended_by_a_fault_is_told() {
        let event: Event =
            value("event", br#"{"at": "2026-01-01T00:00:00Z", "type": "tick"}"#).expect("an event");
        let state = State(RwLock::new(None));
        let reading = state.read().expect("nobody changes it");
        assert_eq!(state.on(&event).expect_err("somebody reads").status, status::CASTLINE_IN_USE);
        drop(reading);
        assert_eq!(state.on(&event).expect_err("it is gone").status, status::CASTLINE_INTERNAL);
        assert!(state.ask(|_| Ok(())).is_err());
    }
}
