//! Fleets, policies and images out of what others print.

use castline::import;
use pyo3::prelude::*;

use crate::{documents::Text, error::OrRaise as _, json, work};

fn bytes(documents: &[Text]) -> Vec<&[u8]> {
    documents.iter().map(Text::as_bytes).collect()
}

/// Fleets and policies out of `kubectl get … -o json`: `{"services": {NAME: {"fleet": …, "policy": …}}, "notes": […]}`.
#[pyfunction]
#[pyo3(signature = (*documents, namespace = None, container = None))]
pub(crate) fn import_kubernetes<'py>(
    py: Python<'py>,
    documents: Vec<Text>,
    namespace: Option<String>,
    container: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut options = import::KubernetesOptions::default();
    if let Some(namespace) = namespace {
        options = options.with_namespace(namespace);
    }
    if let Some(container) = container {
        options = options.with_container(container);
    }
    json::to_python(py, &work::apart(py, || import::kubernetes(&bytes(&documents), &options))?.or_raise(py)?)
}

/// Fleets out of `docker inspect` or `podman inspect`.
#[pyfunction]
#[pyo3(signature = (*documents, zone = None))]
pub(crate) fn import_docker<'py>(
    py: Python<'py>,
    documents: Vec<Text>,
    zone: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut options = import::DockerOptions::default();
    if let Some(zone) = zone {
        options = options.with_zone(zone);
    }
    json::to_python(py, &work::apart(py, || import::docker(&bytes(&documents), &options))?.or_raise(py)?)
}

/// Fleets out of `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups`.
#[pyfunction]
#[pyo3(signature = (*documents))]
pub(crate) fn import_aws<'py>(py: Python<'py>, documents: Vec<Text>) -> PyResult<Bound<'py, PyAny>> {
    let services = import::Services::default();
    json::to_python(py, &work::apart(py, || import::aws(&bytes(&documents), &services))?.or_raise(py)?)
}

/// The one image that Packer's `manifest.json` has, as `{"provider": …, "id": …, "provenance": …}`.
#[pyfunction]
#[pyo3(signature = (manifest, *, region = None, build = None))]
pub(crate) fn import_packer<'py>(
    py: Python<'py>,
    manifest: Text,
    region: Option<String>,
    build: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut options = import::PackerOptions::default();
    if let Some(region) = region {
        options = options.with_region(region);
    }
    if let Some(build) = build {
        options = options.with_build(build);
    }
    let images = work::apart(py, || import::packer(manifest.as_bytes(), &options))?.or_raise(py)?;
    json::to_python(py, &images.only().or_raise(py)?)
}
