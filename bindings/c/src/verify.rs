//! Whether an image is what it claims.

use std::{
    ffi::{OsStr, c_char, c_void},
    num::NonZeroUsize,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use castline::{
    Image, Options, Platforms, Verification, Verified, Watch,
    sources::{Reference, Source},
};
use serde::Deserialize;

use crate::{
    boundary::{answer, freeing, making},
    bytes::{self, castline_bytes, ended},
    drift::castline_rootfs,
    error::{Failure, Result, castline_error},
    handle::{handle, of},
    input::{options, raw},
    report::{Listed, castline_report},
    status::{self, castline_status},
    work::{castline_cancel, castline_on_progress, watched},
};

/// What a verification yields. Free it with castline_verification_free().
pub struct castline_verification {
    _opaque: [u8; 0],
}
handle!(castline_verification, Verification, 20);

/// An image of which every byte was checked and found right. Only castline_verify() makes one. Immutable; free it with
/// castline_image_free().
pub struct castline_image {
    _opaque: [u8; 0],
}
handle!(castline_image, Verified<Image>, 21);

/// How an image is looked at.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manner {
    platform: Option<String>,
    #[serde(default)]
    unreferenced: bool,
    jobs: Option<usize>,
    /// That the image is named by the path of a layout or archive, not by a reference.
    #[serde(default)]
    is_path: bool,
}

impl Manner {
    /// Opens the image, and says what of it is meant.
    fn open(self, image: &[u8], watch: &Watch<'_>) -> Result<(Source, Options)> {
        let reference = if self.is_path {
            Reference::at(Path::new(OsStr::from_bytes(image)))?
        } else {
            let text = str::from_utf8(image).map_err(|reason| {
                Failure::new(status::CASTLINE_INVALID_TEXT, format!("image is not UTF-8: {reason}"))
            })?;
            text.parse()?
        };
        let mut options =
            Options::default().with_unreferenced(self.unreferenced).with_selection(reference.selection());
        if let Some(platform) = self.platform {
            options = options.with_platforms(match &*platform {
                "all" => Platforms::All,
                one => Platforms::One(one.parse()?),
            });
        }
        if let Some(jobs) = self.jobs {
            let jobs = NonZeroUsize::new(jobs).ok_or_else(|| Failure::range("jobs must be at least 1"))?;
            options = options.with_jobs(jobs);
        }
        let source = Source::open_watched(&reference, &options.limits, watch)?;
        Ok((source, options))
    }
}

/// Verifies the images that `image` names: a reference, as `oci:DIR:TAG`. `options` is NULL or JSON with any of
/// `platform` (`"all"` or as `"linux/arm64"`), `unreferenced` (true: look for blobs that nothing names), `jobs`
/// (threads), `isPath` (true: `image` is the path of a layout or archive, taken as it is). What is wrong with the image
/// is in the report: it is no failure of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_verify(
    image: *const c_char,
    options: *const c_char,
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    verification_out: *mut *mut castline_verification,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(verification_out, error_out, || {
            let (image, manner) = (raw(image, "image")?, self::options::<Manner>(options)?);
            watched(cancel, on_progress, context, |watch| {
                let (source, options) = manner.open(image, watch)?;
                Ok(castline::verify(&source, &options, watch)?)
            })
        })
    }
}

/// What is there: images, platforms, layers, names, as JSON. Reads the documents and no layer. Arguments are those of
/// castline_verify().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_inspect(
    image: *const c_char,
    options: *const c_char,
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    inspection_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(inspection_out, error_out, || {
            let (image, manner) = (raw(image, "image")?, self::options::<Manner>(options)?);
            watched(cancel, on_progress, context, |watch| {
                let (source, options) = manner.open(image, watch)?;
                bytes::json(&castline::inspect(&source, &options, watch)?)
            })
        })
    }
}

/// The files of the one image that `image` names, verified on the way. Arguments are those of castline_verify().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_tree(
    image: *const c_char,
    options: *const c_char,
    cancel: *const castline_cancel,
    on_progress: castline_on_progress,
    context: *mut c_void,
    rootfs_out: *mut *mut castline_rootfs,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(rootfs_out, error_out, || {
            let (image, manner) = (raw(image, "image")?, self::options::<Manner>(options)?);
            watched(cancel, on_progress, context, |watch| {
                let (source, options) = manner.open(image, watch)?;
                Ok(castline::tree(&source, &options, watch)??)
            })
        })
    }
}

/// What was found. It outlives the verification.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_verification_report(
    verification: *const castline_verification,
    report_out: *mut *mut castline_report,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(report_out, error_out, || Ok(Listed::of(of(verification, "verification")?.report.clone())))
    }
}

/// How many images may run: those of which every byte was right; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_verification_image_count(
    verification: *const castline_verification,
) -> usize {
    // SAFETY: as the header's rules ask of callers.
    answer(0, || Ok(unsafe { of(verification, "verification") }?.images.len()))
}

/// One of the images that may run, from 0 on. It outlives the verification.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_verification_image(
    verification: *const castline_verification,
    index: usize,
    image_out: *mut *mut castline_image,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(image_out, error_out, || {
            let images = &of(verification, "verification")?.images;
            let none = || Failure::range(format!("there is no image {index} of {}", images.len()));
            images.get(index).cloned().ok_or_else(none)
        })
    }
}

/// Frees a verification. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_verification_free(verification: *mut castline_verification) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(verification) };
}

/// The digest of an image's manifest, as a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_image_digest(
    image: *const castline_image,
    digest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(digest_out, error_out, || Ok(ended(of(image, "image")?.digest().to_string()))) }
}

/// What an image is, in JSON: `digest`, `platform`, `identities`, `layers`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_image_to_json(
    image: *const castline_image,
    json_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(json_out, error_out, || {
            let image = of(image, "image")?;
            bytes::json(&serde_json::json!({
                "digest": image.digest(),
                "platform": image.platform().map(ToString::to_string),
                "identities": image.identities(),
                "layers": image.layers().iter().map(|layer| &layer.digest).collect::<Vec<_>>(),
            }))
        })
    }
}

/// The bytes of an image's manifest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_image_manifest(
    image: *const castline_image,
    manifest_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe { making(manifest_out, error_out, || Ok(ended(of(image, "image")?.raw()))) }
}

/// Frees an image. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_image_free(image: *mut castline_image) {
    // SAFETY: as the header's rules ask of callers.
    unsafe { freeing(image) };
}
