//! What looks like a secret although nobody declared it one.

mod message;
mod names;
mod texts;
mod values;

pub(crate) use message::{fit_name, name_for_message, named, told, value_for_message};
pub(crate) use names::{is_catalogued, name, variable};
pub(crate) use texts::{assignment, comment, remark};
pub(crate) use values::{perhaps, value};
