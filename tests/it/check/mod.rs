//! `ultra check` through the real binary.

mod mutant;
mod readiness;
mod scan;
mod selection;
mod smoke;
mod status;
mod stranger;
