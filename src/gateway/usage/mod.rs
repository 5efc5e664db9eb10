//! Usage, summed up for whoever asks: the command `ultra usage report` and `GET /api/usage` tell the
//! same figures in the same shape.

mod figures;
mod wanted;

pub(crate) use figures::{Figures, Sum, figures};
pub(crate) use wanted::{Bad, Wanted, Words};
