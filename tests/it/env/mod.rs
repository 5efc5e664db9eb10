//! Environment profiles, through the binary.

mod crash;
mod generated;
mod switch;
mod trust;
