//! Releases: made of an image, and what of them is no JSON.

use std::ffi::c_char;

use castline::{ProviderImage, Release};

use crate::{
    boundary::making,
    bytes::{castline_bytes, ended},
    document::castline_release,
    error::castline_error,
    handle::of,
    input::{bytes, text, value},
    status::castline_status,
    verify::castline_image,
};

/// So many copies of a verified image. What else a release says, its JSON does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_of(
    service: *const c_char,
    image: *const castline_image,
    replicas: u64,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(release_out, error_out, || {
            Ok(Release::new(text(service, "service")?, of(image, "image")?, replicas).checked()?)
        })
    }
}

/// So many copies of an image that only its provider has; `image` is `{"provider", "id", "provenance"}` in JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_of_provider_image(
    service: *const c_char,
    image: *const c_char,
    image_length: usize,
    replicas: u64,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(release_out, error_out, || {
            let image: ProviderImage = value("image", bytes(image, image_length, "image")?)?;
            Ok(Release::of_provider_image(text(service, "service")?, image, replicas)?)
        })
    }
}

/// The same release with so many copies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_with_replicas(
    release: *const castline_release,
    replicas: u64,
    release_out: *mut *mut castline_release,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(release_out, error_out, || {
            Ok(of(release, "release")?.clone().with_replicas(replicas).checked()?)
        })
    }
}

/// What an instance of a release is, whatever their number, as a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_release_revision(
    release: *const castline_release,
    revision_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(revision_out, error_out, || Ok(ended(of(release, "release")?.revision().to_string()))) }
}
