//! Environment profiles, through the binary.

mod application;
mod broken;
mod causes;
mod cloned_state;
mod completion;
mod crash;
mod diff;
mod explain;
mod export;
mod fmt;
mod generated;
mod hooks;
mod import;
mod init;
mod lint;
mod profile;
mod render;
mod run;
mod secrets;
mod startup;
mod steering;
mod switch;
mod trust;
mod usage;
mod validate;
mod whose_state;
