//! One integration binary: it drives the shipped `ultra` and real services.

mod clients;
mod layers;
mod support;
