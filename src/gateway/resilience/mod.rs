//! What keeps requests answered while providers fail: a breaker for each target, and the rules of
//! what is tried again, where, and after how long.

pub(crate) mod breaker;
pub(crate) mod retry;
mod window;
