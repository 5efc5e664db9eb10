//! The scan of a project's files: secrets that stand in them, and code that must not go live.
//!
//! [`walk`] reads every file once and in parallel; [`secrets`] and [`code`] look for what does not
//! belong there. A finding never holds the value that was found.

mod code;
mod finding;
mod keyvalue;
mod lexer;
mod patterns;
mod random;
mod secrets;
mod walk;

pub(crate) use finding::{Finding, Rule};
pub(crate) use walk::{Options, scan};
