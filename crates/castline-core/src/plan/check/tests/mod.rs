//! Plans that are right, and each with one fault.
