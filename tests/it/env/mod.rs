//! Environment profiles, through the binary.

mod broken;
mod crash;
mod explain;
mod generated;
mod init;
mod profile;
mod secrets;
mod switch;
mod trust;
mod validate;
