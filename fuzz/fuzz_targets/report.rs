//! The product's words for problems.

#[path = "../../src/report/problem.rs"]
mod problem;

pub(crate) use problem::{Level, Place, Problem};
