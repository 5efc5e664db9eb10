//! Documents made from the catalogue: pure functions from the declarations to text.
//!
//! None of them looks at the machine or the clock, so the same binary always writes the same
//! bytes and a difference means that a file is out of date.

mod dotenv_compat;
mod env_example;
mod markdown;
mod schema;
pub(crate) mod words;

pub(crate) use dotenv_compat::dotenv_compat;
pub(crate) use env_example::{env_example, env_example_for_users};
pub(crate) use markdown::configuration;
pub(crate) use schema::profile_schema;
