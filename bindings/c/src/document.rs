//! Documents: values that JSON says wholly, with one canonical form and its digest.

use std::ffi::{c_char, c_int};

use castline::{Document, Fleet, Release, plan::Plan, policy::Policy};

use crate::{
    boundary::{answer, freeing, making},
    bytes::{castline_bytes, ended},
    error::castline_error,
    handle::{handle, of},
    input::bytes,
    status::castline_status,
};

/// The instances of a service. Immutable. Free it with castline_fleet_free().
pub struct castline_fleet {
    _opaque: [u8; 0],
}
handle!(castline_fleet, Fleet, 10);

/// Reads a fleet from JSON in any form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_from_json(
    json: *const c_char,
    length: usize,
    fleet_out: *mut *mut castline_fleet,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(fleet_out, error_out, || Ok(Fleet::from_json(bytes(json, length, "json")?)?)) }
}

/// A fleet's form for people: indented JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_to_json(
    fleet: *const castline_fleet,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(json_out, error_out, || Ok(ended(of(fleet, "fleet")?.to_json()))) }
}

/// A fleet's canonical form (RFC 8785), of which the digest is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_to_canonical(
    fleet: *const castline_fleet,
    canonical_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(canonical_out, error_out, || Ok(ended(of(fleet, "fleet")?.to_canonical()))) }
}

/// The digest of a fleet's canonical form, as a text: the same in every language.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_digest(
    fleet: *const castline_fleet,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(of(fleet, "fleet")?.digest().to_string()))) }
}

/// 1 if both say the same, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_equals(
    fleet: *const castline_fleet,
    other: *const castline_fleet,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { Ok((of(fleet, "fleet")? == of(other, "other")?).into()) })
}

/// Frees a fleet. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_free(fleet: *mut castline_fleet) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(fleet) };
}

/// What should run of a service. Immutable. Free it with castline_release_free().
pub struct castline_release {
    _opaque: [u8; 0],
}
handle!(castline_release, Release, 11);

/// Reads a release from JSON in any form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_from_json(
    json: *const c_char,
    length: usize,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(release_out, error_out, || Ok(Release::from_json(bytes(json, length, "json")?)?)) }
}

/// A release's form for people: indented JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_to_json(
    release: *const castline_release,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(json_out, error_out, || Ok(ended(of(release, "release")?.to_json()))) }
}

/// A release's canonical form (RFC 8785), of which the digest is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_to_canonical(
    release: *const castline_release,
    canonical_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(canonical_out, error_out, || Ok(ended(of(release, "release")?.to_canonical()))) }
}

/// The digest of a release's canonical form, as a text: the same in every language.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_digest(
    release: *const castline_release,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(of(release, "release")?.digest().to_string()))) }
}

/// 1 if both say the same, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_equals(
    release: *const castline_release,
    other: *const castline_release,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { Ok((of(release, "release")? == of(other, "other")?).into()) })
}

/// Frees a release. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_free(release: *mut castline_release) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(release) };
}

/// How a service may be replaced. Immutable. Free it with castline_policy_free().
pub struct castline_policy {
    _opaque: [u8; 0],
}
handle!(castline_policy, Policy, 12);

/// Reads a policy from JSON in any form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_from_json(
    json: *const c_char,
    length: usize,
    policy_out: *mut *mut castline_policy,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(policy_out, error_out, || Ok(Policy::from_json(bytes(json, length, "json")?)?)) }
}

/// A policy's form for people: indented JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_to_json(
    policy: *const castline_policy,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(json_out, error_out, || Ok(ended(of(policy, "policy")?.to_json()))) }
}

/// A policy's canonical form (RFC 8785), of which the digest is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_to_canonical(
    policy: *const castline_policy,
    canonical_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(canonical_out, error_out, || Ok(ended(of(policy, "policy")?.to_canonical()))) }
}

/// The digest of a policy's canonical form, as a text: the same in every language.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_digest(
    policy: *const castline_policy,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(of(policy, "policy")?.digest().to_string()))) }
}

/// 1 if both say the same, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_equals(
    policy: *const castline_policy,
    other: *const castline_policy,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { Ok((of(policy, "policy")? == of(other, "other")?).into()) })
}

/// Frees a policy. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_policy_free(policy: *mut castline_policy) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(policy) };
}

/// How services get from what runs to what should. Immutable. Free it with castline_plan_free().
pub struct castline_plan {
    _opaque: [u8; 0],
}
handle!(castline_plan, Plan, 13);

/// Reads a plan from JSON in any form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_from_json(
    json: *const c_char,
    length: usize,
    plan_out: *mut *mut castline_plan,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(plan_out, error_out, || Ok(Plan::from_json(bytes(json, length, "json")?)?)) }
}

/// A plan's form for people: indented JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_to_json(
    plan: *const castline_plan,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(json_out, error_out, || Ok(ended(of(plan, "plan")?.to_json()))) }
}

/// A plan's canonical form (RFC 8785), of which the digest is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_to_canonical(
    plan: *const castline_plan,
    canonical_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(canonical_out, error_out, || Ok(ended(of(plan, "plan")?.to_canonical()))) }
}

/// The digest of a plan's canonical form, as a text: the same in every language.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_digest(
    plan: *const castline_plan,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(of(plan, "plan")?.digest().to_string()))) }
}

/// 1 if both say the same, 0 if not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_equals(
    plan: *const castline_plan,
    other: *const castline_plan,
) -> c_int {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || unsafe { Ok((of(plan, "plan")? == of(other, "other")?).into()) })
}

/// Frees a plan. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_plan_free(plan: *mut castline_plan) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(plan) };
}
