//! `ultra env switch`: another profile becomes the one in use, in one step or not at all.

mod answer;
mod plan;
mod run;

pub(crate) use plan::Request;
pub(crate) use run::run;
