//! What keeps requests answered while providers fail: a breaker for each target, and the rules of
//! what is tried again, where, after how long, and how much at a time.

pub(crate) mod breaker;
pub(crate) mod places;
pub(crate) mod retry;
mod window;
