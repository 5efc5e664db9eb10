//! `ultra keys`: give, see, test, rotate, roll back and end keys. No argument ever carries a value.

mod around;
mod caller;
mod desk;
mod due;
mod ending;
mod fed;
mod giving_up;
mod issuing;
mod judged;
mod names;
mod noted;
mod rows;
mod service;
mod storing;
mod times;
mod value;
mod winner;

pub(crate) mod allow;
pub(crate) mod audit;
pub(crate) mod disable;
pub(crate) mod doctor;
pub(crate) mod intake;
pub(crate) mod list;
pub(crate) mod migrate;
pub(crate) mod publish;
pub(crate) mod remove;
pub(crate) mod rollback;
pub(crate) mod rotate;
pub(crate) mod set;
pub(crate) mod shared;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod take_published;
pub(crate) mod verify;

pub(crate) use caller::NAME as SERVICE_KEY;
pub(crate) use desk::Desk;
pub(crate) use ending::Ending;
pub(crate) use names::value_as_argument;
pub(super) use rows::Policy;
pub(crate) use times::Spans;
