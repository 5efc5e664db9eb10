//! What happens around every request, one file each. Plain functions that [`super::stack`] calls
//! in one future: a layer of its own for each would cost every request a dozen allocations.

pub(crate) mod access_log;
pub(crate) mod admit;
pub(crate) mod body;
pub(crate) mod compress;
pub(crate) mod cors;
pub(crate) mod head;
pub(crate) mod hop;
pub(crate) mod panic;
pub(crate) mod prefix;
pub(crate) mod rate;
pub(crate) mod request_id;
pub(crate) mod security;
