//! One integration binary: it drives the shipped `ultra` and real services.

mod layers;
mod support;
