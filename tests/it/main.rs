//! One integration binary: it drives the shipped `ultra` and real services.

mod canary;
mod clients;
mod layers;
mod support;
