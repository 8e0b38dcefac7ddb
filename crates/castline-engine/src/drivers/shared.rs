//! The clock, the operating system's refusals, and work that blocks.

use std::{fmt::Display, io, time::SystemTime};

use castline_core::Time;

use crate::DriverError;

/// The moment.
pub(super) fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What the operating system refuses, with what was tried. What people have to change is permanent; a full disk and a table
/// without room may pass.
pub(super) fn failed(tried: impl Display) -> impl FnOnce(io::Error) -> DriverError {
    move |error| {
        let message = format!("{tried}: {error}");
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::Unsupported
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::ArgumentListTooLong
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::ReadOnlyFilesystem => DriverError::permanent(message),
            _ => DriverError::temporary(message),
        }
    }
}

/// Does what blocks where nothing else has to wait for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
) -> Result<T, DriverError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(DriverError::temporary(error)),
    }
}
