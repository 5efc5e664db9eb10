//! `ultra check` through the real binary.

mod files;
mod mutant;
mod passphrase;
mod readiness;
mod scan;
mod selection;
mod smoke;
mod status;
mod stranger;
