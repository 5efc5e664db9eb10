//! What differs between two sides, each a profile, a file or a running server, without showing a
//! secret. `env diff` and the preview of `env switch` answer with it.

mod described;
mod file;
mod judge;
mod side;

pub(crate) use described::{Described, needs_restart};
pub(crate) use file::of_file;
pub(crate) use judge::{Difference, Kind, Prints, Shape, Told, differences, shapes};
pub(crate) use side::Side;
