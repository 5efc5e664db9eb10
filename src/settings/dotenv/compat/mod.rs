//! What other programs read where `ultra` reads a dotenv file: one model for each, held against
//! the real program by the tests.
//!
//! A model takes the bytes of a file and an empty process environment, and tells which variables
//! the program ends up with, line by line. It never runs anything. `dotenvy` needs no model: it
//! is linked in and answers for itself, in a child process with an empty environment.

mod bash;
mod bash_dollar;
mod bash_expand;
mod bash_lexer;
mod bash_words;
mod compare;
mod compose;
mod compose_template;
mod dotenvy;
mod examples;
mod motdotla;
mod node;
mod python;
mod reading;

pub(crate) use compare::{Difference, Ours, differences};
pub(crate) use dotenvy::{CHILD, answer as dotenvy_answer};
pub(crate) use examples::EXAMPLES;
pub(crate) use reading::Tool;

#[cfg(test)]
pub(super) mod tests;
