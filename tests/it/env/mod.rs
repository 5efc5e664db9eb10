//! Environment profiles, through the binary.

mod broken;
mod crash;
mod diff;
mod explain;
mod generated;
mod import;
mod init;
mod profile;
mod secrets;
mod switch;
mod trust;
mod usage;
mod validate;
