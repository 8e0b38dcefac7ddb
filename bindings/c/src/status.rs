//! What calls come to: one number for each kind of failure.

use std::ffi::c_char;

/// What a call came to: `CASTLINE_OK`, or why not. A number is never used again for something else.
pub type castline_status = u32;

/// It was done.
pub const CASTLINE_OK: castline_status = 0;
/// The text is not a digest.
pub const CASTLINE_INVALID_DIGEST: castline_status = 1;
/// The bytes are not an image manifest.
pub const CASTLINE_INVALID_MANIFEST: castline_status = 2;
/// The caller asked for the work to stop.
pub const CASTLINE_CANCELLED: castline_status = 3;
/// The text is not a platform.
pub const CASTLINE_INVALID_PLATFORM: castline_status = 4;
/// No worker thread could be started.
pub const CASTLINE_NO_WORKERS: castline_status = 5;
/// The text is not an image reference.
pub const CASTLINE_INVALID_REFERENCE: castline_status = 6;
/// A file or folder could not be read.
pub const CASTLINE_IO: castline_status = 7;
/// The source is of a kind that this build or version does not read.
pub const CASTLINE_UNSUPPORTED: castline_status = 8;
/// The text is not a pattern for paths.
pub const CASTLINE_INVALID_GLOB: castline_status = 9;
/// The text is not a number of instances.
pub const CASTLINE_INVALID_AMOUNT: castline_status = 10;
/// The text is not a moment.
pub const CASTLINE_INVALID_TIME: castline_status = 11;
/// The text is not a schedule by which a window opens.
pub const CASTLINE_INVALID_WINDOW: castline_status = 12;
/// The document is not what it should be.
pub const CASTLINE_INVALID_DOCUMENT: castline_status = 13;
/// The plan was made for something else than what is there.
pub const CASTLINE_STALE_PLAN: castline_status = 14;
/// One image was asked for, and there are several.
pub const CASTLINE_SEVERAL_IMAGES: castline_status = 15;
/// There is nothing that has files.
pub const CASTLINE_NO_IMAGE: castline_status = 16;
/// Bytes are not those that a digest announced.
pub const CASTLINE_CONTENT_MISMATCH: castline_status = 17;
/// A file changed while it was put into an image.
pub const CASTLINE_SOURCE_CHANGED: castline_status = 18;
/// An image that is to be built upon is not intact.
pub const CASTLINE_NOT_INTACT: castline_status = 19;
/// A registry wants to know who we are, or does not allow it.
pub const CASTLINE_REGISTRY_UNAUTHORIZED: castline_status = 30;
/// A registry has no such image, tag or blob.
pub const CASTLINE_REGISTRY_NOT_FOUND: castline_status = 31;
/// A registry cannot be reached, or cannot answer for the moment.
pub const CASTLINE_REGISTRY_UNREACHABLE: castline_status = 32;
/// A registry does not do what it was asked, or does not keep to the protocol.
pub const CASTLINE_REGISTRY_REFUSED: castline_status = 33;
/// The credentials or certificates that were given cannot be used.
pub const CASTLINE_INVALID_CREDENTIALS: castline_status = 34;
/// A pointer that must not be NULL is.
pub const CASTLINE_NULL_ARGUMENT: castline_status = 100;
/// castline has a fault. The process is sound, and what was made before can be used; please report it.
pub const CASTLINE_INTERNAL: castline_status = 101;
/// A handle was freed, or is of another kind.
pub const CASTLINE_WRONG_HANDLE: castline_status = 102;
/// A text is not UTF-8.
pub const CASTLINE_INVALID_TEXT: castline_status = 103;
/// A number, an index or a name is none of those that there are.
pub const CASTLINE_OUT_OF_RANGE: castline_status = 104;
/// Another thread is in the middle of changing the same rollout.
pub const CASTLINE_IN_USE: castline_status = 105;
/// There is no plan. The error's code is the kind of conflict, its detail says what is in conflict.
pub const CASTLINE_INFEASIBLE: castline_status = 200;
/// A plan is not safe, or not what was asked for. The error's code is the kind of fault, its detail has the way there.
pub const CASTLINE_VIOLATION: castline_status = 201;
/// What was asked for needs an image that is what it claims, and it is not. The error's detail is the report.
pub const CASTLINE_INVALID_IMAGE: castline_status = 202;
/// An entry of a ledger is not what it must be. The error's code is the kind of fault, its detail says where it is.
pub const CASTLINE_BROKEN_CHAIN: castline_status = 203;

/// Every status and its name, ended by NUL.
const NAMES: &[(castline_status, &str)] = &[
    (CASTLINE_OK, "OK\0"),
    (CASTLINE_INVALID_DIGEST, "INVALID_DIGEST\0"),
    (CASTLINE_INVALID_MANIFEST, "INVALID_MANIFEST\0"),
    (CASTLINE_CANCELLED, "CANCELLED\0"),
    (CASTLINE_INVALID_PLATFORM, "INVALID_PLATFORM\0"),
    (CASTLINE_NO_WORKERS, "NO_WORKERS\0"),
    (CASTLINE_INVALID_REFERENCE, "INVALID_REFERENCE\0"),
    (CASTLINE_IO, "IO\0"),
    (CASTLINE_UNSUPPORTED, "UNSUPPORTED\0"),
    (CASTLINE_INVALID_GLOB, "INVALID_GLOB\0"),
    (CASTLINE_INVALID_AMOUNT, "INVALID_AMOUNT\0"),
    (CASTLINE_INVALID_TIME, "INVALID_TIME\0"),
    (CASTLINE_INVALID_WINDOW, "INVALID_WINDOW\0"),
    (CASTLINE_INVALID_DOCUMENT, "INVALID_DOCUMENT\0"),
    (CASTLINE_STALE_PLAN, "STALE_PLAN\0"),
    (CASTLINE_SEVERAL_IMAGES, "SEVERAL_IMAGES\0"),
    (CASTLINE_NO_IMAGE, "NO_IMAGE\0"),
    (CASTLINE_CONTENT_MISMATCH, "CONTENT_MISMATCH\0"),
    (CASTLINE_SOURCE_CHANGED, "SOURCE_CHANGED\0"),
    (CASTLINE_NOT_INTACT, "NOT_INTACT\0"),
    (CASTLINE_REGISTRY_UNAUTHORIZED, "REGISTRY_UNAUTHORIZED\0"),
    (CASTLINE_REGISTRY_NOT_FOUND, "REGISTRY_NOT_FOUND\0"),
    (CASTLINE_REGISTRY_UNREACHABLE, "REGISTRY_UNREACHABLE\0"),
    (CASTLINE_REGISTRY_REFUSED, "REGISTRY_REFUSED\0"),
    (CASTLINE_INVALID_CREDENTIALS, "INVALID_CREDENTIALS\0"),
    (CASTLINE_NULL_ARGUMENT, "NULL_ARGUMENT\0"),
    (CASTLINE_INTERNAL, "INTERNAL\0"),
    (CASTLINE_WRONG_HANDLE, "WRONG_HANDLE\0"),
    (CASTLINE_INVALID_TEXT, "INVALID_TEXT\0"),
    (CASTLINE_OUT_OF_RANGE, "OUT_OF_RANGE\0"),
    (CASTLINE_IN_USE, "IN_USE\0"),
    (CASTLINE_INFEASIBLE, "INFEASIBLE\0"),
    (CASTLINE_VIOLATION, "VIOLATION\0"),
    (CASTLINE_INVALID_IMAGE, "INVALID_IMAGE\0"),
    (CASTLINE_BROKEN_CHAIN, "BROKEN_CHAIN\0"),
];

/// The name of a status, ended by NUL.
fn ended(status: castline_status) -> &'static str {
    NAMES.iter().find(|(number, _)| *number == status).map_or("UNKNOWN\0", |(_, name)| name)
}

/// The name of a status.
pub(crate) fn name(status: castline_status) -> &'static str {
    ended(status).trim_end_matches('\0')
}

/// The name of a status, as `INVALID_DIGEST`: the code that every language has; `UNKNOWN` for a number that is none.
/// Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn castline_status_name(status: castline_status) -> *const c_char {
    ended(status).as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use castline::ErrorCode;

    use super::*;

    #[test]
    fn every_code_of_the_core_is_a_status_of_the_same_number_and_name() {
        for &code in ErrorCode::ALL {
            assert_eq!(name(code as u32), code.name());
        }
        let core = NAMES.iter().filter(|(status, _)| (1..100).contains(status)).count();
        assert_eq!(core, ErrorCode::ALL.len(), "a status is of no code");
    }

    #[test]
    fn every_constant_has_its_name_and_no_number_stands_twice() {
        let text = include_str!("status.rs");
        let constants: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub const CASTLINE_")?.split(':').next())
            .collect();
        let names: BTreeSet<&str> = NAMES.iter().map(|&(status, _)| name(status)).collect();
        let numbers: BTreeSet<castline_status> = NAMES.iter().map(|&(status, _)| status).collect();
        assert_eq!(constants, names);
        assert_eq!(numbers.len(), NAMES.len());
        assert_eq!(name(99), "UNKNOWN");
    }
}
