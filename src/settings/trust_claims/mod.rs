//! What the files of a root ask for: secrets and addresses of its profiles and its dotenv files, and
//! variables of both that can make a command run code or lead elsewhere what it sends. Read from the
//! files as they stand, other sources left out.

mod agreement;
mod content;
mod dotenv_file;
mod extends;
mod gather;
mod said;
mod told;

pub(crate) use agreement::Agreement;
pub(crate) use content::is_the_roots;
pub(in crate::settings) use dotenv_file::File;
#[cfg(test)]
pub(in crate::settings) use gather::readings;
pub(crate) use told::{danger, pieced, shown};
