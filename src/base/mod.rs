//! Leaf helpers that import nothing of ours: secrets, redaction, near names, time, files.

pub(crate) mod apart;
pub(crate) mod csv;
pub(crate) mod file;
pub(crate) mod id;
pub(crate) mod joined;
pub(crate) mod json;
pub(crate) mod leftover;
pub(crate) mod lock;
pub(crate) mod near;
pub(crate) mod owner;
pub(crate) mod process;
pub(crate) mod redact;
pub(crate) mod redaction;
pub(crate) mod salted;
pub(crate) mod secret;
#[cfg(test)]
#[path = "../../tests/it/support/services.rs"]
pub(crate) mod services;
pub(crate) mod signals;
pub(crate) mod socket;
pub(crate) mod state_mark;
pub(crate) mod tcp;
pub(crate) mod time;
pub(crate) mod words;

pub(crate) use apart::apart;
pub(crate) use joined::Joined;
pub(crate) use salted::Salted;
pub(crate) use secret::{Secret, SecretBytes};
pub(crate) use time::{Clock, SystemClock, Timestamp};
