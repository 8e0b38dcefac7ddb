//! Tasks of castline's developers. The binary is a thin face over these modules.

pub mod vectors;
