//! One integration binary: it drives the shipped `ultra` and real services.

mod canary;
mod clients;
mod env;
mod keys;
mod layers;
mod serve;
mod store;
mod support;
