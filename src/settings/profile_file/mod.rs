//! Profile files: YAML to the typed profile, every problem at once, `extends` followed.

mod chain;
mod document;
mod policy;
mod reader;
mod sections;

pub(crate) use chain::{Assembled, assemble};
pub(crate) use document::{Document, EMPTY, SaidVariable};
