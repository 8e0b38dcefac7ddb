//! Fleets, policies and images out of what others print.

use std::ffi::c_char;

use castline::import;
use serde::Deserialize;

use crate::{
    boundary::making,
    bytes::{castline_bytes, json},
    error::{Result, castline_error},
    input::{bytes, castline_slice, list, options},
    status::castline_status,
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfKubernetes {
    namespace: Option<String>,
    container: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfDocker {
    zone: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfPacker {
    region: Option<String>,
    build: Option<String>,
}

/// # Safety
///
/// As the header's rules ask of callers.
unsafe fn documents<'a>(first: *const castline_slice, count: usize) -> Result<Vec<&'a [u8]>> {
    // SAFETY: the caller's contract is passed on.
    unsafe {
        let documents = list(first, count, "documents")?.iter();
        documents.map(|one| bytes(one.data, one.length, "a document")).collect()
    }
}

/// What is in documents of `kubectl get -o json`: services with their fleets and policies, and notes of what could not
/// be taken over, as JSON. `options` is NULL or JSON with any of `namespace`, `container`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_import_kubernetes(
    documents: *const castline_slice,
    document_count: usize,
    options: *const c_char,
    import_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(import_out, error_out, || {
            let choice: OfKubernetes = self::options(options)?;
            let mut options = import::KubernetesOptions::default();
            if let Some(namespace) = choice.namespace {
                options = options.with_namespace(namespace);
            }
            if let Some(container) = choice.container {
                options = options.with_container(container);
            }
            json(&import::kubernetes(&self::documents(documents, document_count)?, &options)?)
        })
    }
}

/// The same of `docker` or `podman inspect`. `options` is NULL or JSON with `zone`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_import_docker(
    documents: *const castline_slice,
    document_count: usize,
    options: *const c_char,
    import_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(import_out, error_out, || {
            let choice: OfDocker = self::options(options)?;
            let mut options = import::DockerOptions::default();
            if let Some(zone) = choice.zone {
                options = options.with_zone(zone);
            }
            json(&import::docker(&self::documents(documents, document_count)?, &options)?)
        })
    }
}

/// The same of `aws` describing auto scaling groups, instances and target groups.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_import_aws(
    documents: *const castline_slice,
    document_count: usize,
    import_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(import_out, error_out, || {
            let documents = self::documents(documents, document_count)?;
            json(&import::aws(&documents, &import::Services::default())?)
        })
    }
}

/// The image in a manifest of Packer, as castline_release_of_provider_image() takes it. `options` is NULL or JSON with
/// any of `region`, `build`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn castline_import_packer(
    manifest: *const c_char,
    length: usize,
    options: *const c_char,
    image_out: *mut *mut castline_bytes,
    error_out: *mut *mut castline_error,
) -> castline_status {
    // SAFETY: as the header's rules ask of callers.
    unsafe {
        making(image_out, error_out, || {
            let choice: OfPacker = self::options(options)?;
            let mut options = import::PackerOptions::default();
            if let Some(region) = choice.region {
                options = options.with_region(region);
            }
            if let Some(build) = choice.build {
                options = options.with_build(build);
            }
            json(&import::packer(bytes(manifest, length, "manifest")?, &options)?.only()?)
        })
    }
}
