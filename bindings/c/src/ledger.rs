//! What was rolled out, by whom, and how it ended.

use std::ffi::c_char;

use castline::{
    Digest,
    ledger::{Anchor, Ledger, Record},
};

use crate::{
    boundary::{answer, freeing, making, making_some},
    bytes::{castline_bytes, ended, json},
    document::castline_release,
    error::castline_error,
    handle::{handle, of},
    input::{bytes, optional, text, value},
    status::castline_status,
};

/// A chain of entries, each of which names the one before it by its digest. Immutable: one entry more is another
/// ledger. Free it with castline_ledger_free().
pub struct castline_ledger {
    _opaque: [u8; 0],
}
handle!(castline_ledger, Ledger, 26);

/// The empty ledger.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_new(
    ledger_out: *mut *mut castline_ledger,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(ledger_out, error_out, || Ok(Ledger::default())) }
}

/// Reads a ledger from lines, and verifies each link. With `head`, the last entry must have that digest; with `within`,
/// one of them must; NULL for neither. CASTLINE_BROKEN_CHAIN if an entry is not what it must be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_from_lines(
    lines: *const c_char,
    length: usize,
    head: *const c_char,
    within: *const c_char,
    ledger_out: *mut *mut castline_ledger,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(ledger_out, error_out, || {
            let head = optional(head, "head")?.map(str::parse).transpose()?.map(Anchor::Head);
            let within = optional(within, "within")?.map(str::parse).transpose()?.map(Anchor::Within);
            Ok(Ledger::verify(bytes(lines, length, "lines")?, head.or(within).as_ref())?)
        })
    }
}

/// A ledger's lines: the canonical form of each entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_to_lines(
    ledger: *const castline_ledger,
    lines_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(lines_out, error_out, || Ok(ended(of(ledger, "ledger")?.to_lines()))) }
}

/// A ledger and one entry more: at a moment, by somebody, what is recorded, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_append(
    ledger: *const castline_ledger,
    at: *const c_char,
    actor: *const c_char,
    record: *const c_char,
    record_length: usize,
    ledger_out: *mut *mut castline_ledger,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(ledger_out, error_out, || {
            let record: Record = value("record", bytes(record, record_length, "record")?)?;
            let (at, actor) = (text(at, "at")?.parse()?, text(actor, "actor")?);
            Ok(of(ledger, "ledger")?.append(at, actor, record)?)
        })
    }
}

/// The digest of the last entry, as a text; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_head(
    ledger: *const castline_ledger,
    head_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(head_out, error_out, || {
            Ok(of(ledger, "ledger")?.head().map(|digest| ended(digest.to_string())))
        })
    }
}

/// How many entries there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_entry_count(ledger: *const castline_ledger) -> u64 {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(ledger, "ledger") }?.len()))
}

/// The entries, the oldest first, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_entries(
    ledger: *const castline_ledger,
    entries_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(entries_out, error_out, || {
            json(&of(ledger, "ledger")?.entries().map(|(_, entry)| entry).collect::<Vec<_>>())
        })
    }
}

/// The rollouts of a service, the oldest first, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_history(
    ledger: *const castline_ledger,
    service: *const c_char,
    history_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(history_out, error_out, || json(&of(ledger, "ledger")?.history(text(service, "service")?)))
    }
}

/// The digest of the release that runs, as a text; NULL if none does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_current(
    ledger: *const castline_ledger,
    service: *const c_char,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(digest_out, error_out, || {
            let current = of(ledger, "ledger")?.current(text(service, "service")?);
            Ok(current.map(|digest| ended(digest.to_string())))
        })
    }
}

/// The release of a digest; NULL if the ledger has no such one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_release(
    ledger: *const castline_ledger,
    digest: *const c_char,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(release_out, error_out, || {
            let digest: Digest = text(digest, "digest")?.parse()?;
            Ok(of(ledger, "ledger")?.release(&digest).cloned())
        })
    }
}

/// The last release of a service before the current one that has succeeded; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_previous_good(
    ledger: *const castline_ledger,
    service: *const c_char,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(release_out, error_out, || {
            Ok(of(ledger, "ledger")?.previous_good(text(service, "service")?).cloned())
        })
    }
}

/// What to go back to from a release that has failed; NULL if there is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_rollback_target(
    ledger: *const castline_ledger,
    failed: *const castline_release,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making_some(release_out, error_out, || {
            Ok(of(ledger, "ledger")?.rollback_target(of(failed, "failed")?).cloned())
        })
    }
}

/// The images that must be kept to go back `keep` releases of each service, in JSON: `digests`, `ofProviders`,
/// `unknown`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_images_needed(
    ledger: *const castline_ledger,
    keep: usize,
    images_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(images_out, error_out, || {
            let needed = of(ledger, "ledger")?.images_needed(keep);
            let of_providers = needed.of_providers.iter();
            let of_providers: Vec<_> = of_providers
                .map(|(provider, id)| serde_json::json!({"provider": provider, "id": id}))
                .collect();
            json(&serde_json::json!({
                "digests": needed.digests, "ofProviders": of_providers, "unknown": needed.unknown
            }))
        })
    }
}

/// Frees a ledger. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_ledger_free(ledger: *mut castline_ledger) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(ledger) };
}
