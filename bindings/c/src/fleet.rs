//! Fleets out of what a program has in its own memory.

use std::{collections::HashSet, ffi::c_char, mem, ptr, sync::Arc};

use castline::{Fleet, Health, Instance, Integrity, Phase, Time};

use crate::{
    boundary::{answer, making},
    document::castline_fleet,
    error::{Failure, Result, castline_error},
    handle::of,
    input::{list, optional, text},
    status::castline_status,
};

/// How far an instance's life has gone.
pub type castline_phase = u32;
/// It runs.
pub const CASTLINE_PHASE_RUNNING: castline_phase = 0;
/// Launched, and not yet running.
pub const CASTLINE_PHASE_PENDING: castline_phase = 1;
/// It is being retired, and not yet gone.
pub const CASTLINE_PHASE_TERMINATING: castline_phase = 2;
/// Out of traffic and kept to be looked at.
pub const CASTLINE_PHASE_QUARANTINED: castline_phase = 3;

/// Whether an instance does its work.
pub type castline_health = u32;
/// It does.
pub const CASTLINE_HEALTH_READY: castline_health = 0;
/// Not now.
pub const CASTLINE_HEALTH_NOT_READY: castline_health = 1;
/// Not any more.
pub const CASTLINE_HEALTH_FAILED: castline_health = 2;
/// Nobody knows.
pub const CASTLINE_HEALTH_UNKNOWN: castline_health = 3;

/// Whether the files of an instance are those of its image.
pub type castline_integrity = u32;
/// Nobody looked.
pub const CASTLINE_INTEGRITY_UNKNOWN: castline_integrity = 0;
/// They are.
pub const CASTLINE_INTEGRITY_INTACT: castline_integrity = 1;
/// They are not.
pub const CASTLINE_INTEGRITY_COMPROMISED: castline_integrity = 2;

/// A label.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct castline_label {
    /// Its key.
    pub key: *const c_char,
    /// Its value.
    pub value: *const c_char,
}

/// One instance. All but the id may be left 0: then it runs and is ready, and nothing more is known. Texts are UTF-8,
/// ended by NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct castline_instance {
    /// What names it on its platform; it never names another one.
    pub id: *const c_char,
    /// The image that it runs, as its platform says it.
    pub image: *const c_char,
    /// The revision that it was launched from.
    pub revision: *const c_char,
    /// Where it is: what fails together.
    pub zone: *const c_char,
    /// The slot that it holds, which its replacement inherits.
    pub slot: *const c_char,
    /// Its labels.
    pub labels: *const castline_label,
    /// How many there are.
    pub label_count: usize,
    /// When it was launched, in milliseconds since 1970, of the years 0 to 9999; 0 if that is not known.
    pub created_at: i64,
    /// Since when it has been ready, in milliseconds since 1970, of the years 0 to 9999; 0 if that is not known.
    pub ready_at: i64,
    /// How far its life has gone.
    pub phase: castline_phase,
    /// Whether it does its work.
    pub health: castline_health,
    /// Whether its files are those of its image.
    pub integrity: castline_integrity,
    /// What it costs to lose it; lower goes first.
    pub deletion_cost: i32,
}

/// The fleet of `count` instances, in any order. `instance_size` is `sizeof(castline_instance)`, so that programs that
/// were built when it was smaller stay right. Nothing is kept of what `instances` points to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_of(
    service: *const c_char,
    instances: *const castline_instance,
    count: usize,
    instance_size: usize,
    fleet_out: *mut *mut castline_fleet,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(fleet_out, error_out, || {
            let service = text(service, "service")?;
            if instance_size < mem::offset_of!(castline_instance, image)
                || !instance_size.is_multiple_of(align_of::<castline_instance>())
            {
                return Err(Failure::range("instance_size is no sizeof(castline_instance)"));
            }
            let size = count.saturating_mul(instance_size);
            // Checks the pointer and the size; each instance is copied out of the bytes below.
            let raw: &[u8] = list(instances.cast(), size, "instances")?;
            let mut texts = HashSet::new();
            let read = |one: &[u8]| instance(&copied(one), &mut texts);
            let instances: Result<Vec<Instance>> = raw.chunks(instance_size).map(read).collect();
            Ok(Fleet::new(service, instances?)?)
        })
    }
}

/// How many instances there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_fleet_instance_count(fleet: *const castline_fleet) -> usize {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(fleet, "fleet") }?.instances().len()))
}

/// An instance out of its bytes, of which there may be fewer or more than this version knows.
fn copied(bytes: &[u8]) -> castline_instance {
    let mut one = mem::MaybeUninit::<castline_instance>::zeroed();
    let known = bytes.len().min(size_of::<castline_instance>());
    // SAFETY: both are that long and do not overlap; pointers and numbers may be any bits, such as zeros.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), one.as_mut_ptr().cast(), known);
        one.assume_init()
    }
}

/// # Safety
///
/// Its texts are NULL or ended by NUL, and its labels are as many as it says.
unsafe fn instance(one: &castline_instance, texts: &mut HashSet<Arc<str>>) -> Result<Instance> {
    // SAFETY: the caller's contract is passed on.
    unsafe {
        let mut instance = Instance::new(text(one.id, "an instance's id")?)
            .with_image(once(texts, one.image, "an instance's image")?)
            .with_zone(once(texts, one.zone, "an instance's zone")?)
            .with_phase(phase(one.phase)?)
            .with_health(health(one.health)?)
            .with_integrity(integrity(one.integrity)?)
            .with_deletion_cost(one.deletion_cost);
        if let Some(revision) = optional(one.revision, "an instance's revision")? {
            instance = instance.with_revision(revision.parse()?);
        }
        if let Some(slot) = optional(one.slot, "an instance's slot")? {
            instance = instance.with_slot(slot);
        }
        if one.created_at != 0 {
            instance = instance.with_created_at(Time::try_from_millis(one.created_at)?);
        }
        if one.ready_at != 0 {
            instance = instance.with_ready_at(Time::try_from_millis(one.ready_at)?);
        }
        for label in list(one.labels, one.label_count, "an instance's labels")? {
            let (key, value) = (text(label.key, "a label's key")?, text(label.value, "a label's value")?);
            if instance.labels.contains_key(key) {
                let key = castline::shown(key);
                return Err(Failure::document("fleet", format!("the label `{key}` stands twice")));
            }
            instance = instance.with_label(key, value);
        }
        Ok(instance)
    }
}

/// A text that many instances share, kept once.
///
/// # Safety
///
/// `text` is NULL or ended by NUL.
unsafe fn once(texts: &mut HashSet<Arc<str>>, text: *const c_char, name: &str) -> Result<Arc<str>> {
    // SAFETY: the caller's contract is passed on.
    let text = unsafe { optional(text, name) }?.unwrap_or_default();
    if let Some(known) = texts.get(text) {
        return Ok(Arc::clone(known));
    }
    let text = Arc::from(text);
    texts.insert(Arc::clone(&text));
    Ok(text)
}

fn phase(number: castline_phase) -> Result<Phase> {
    Ok(match number {
        CASTLINE_PHASE_RUNNING => Phase::Running,
        CASTLINE_PHASE_PENDING => Phase::Pending,
        CASTLINE_PHASE_TERMINATING => Phase::Terminating,
        CASTLINE_PHASE_QUARANTINED => Phase::Quarantined,
        other => return Err(Failure::range(format!("{other} is no phase"))),
    })
}

fn health(number: castline_health) -> Result<Health> {
    Ok(match number {
        CASTLINE_HEALTH_READY => Health::Ready,
        CASTLINE_HEALTH_NOT_READY => Health::NotReady,
        CASTLINE_HEALTH_FAILED => Health::Failed,
        CASTLINE_HEALTH_UNKNOWN => Health::Unknown,
        other => return Err(Failure::range(format!("{other} is no health"))),
    })
}

fn integrity(number: castline_integrity) -> Result<Integrity> {
    Ok(match number {
        CASTLINE_INTEGRITY_UNKNOWN => Integrity::Unknown,
        CASTLINE_INTEGRITY_INTACT => Integrity::Intact,
        CASTLINE_INTEGRITY_COMPROMISED => Integrity::Compromised,
        other => return Err(Failure::range(format!("{other} is no integrity"))),
    })
}
