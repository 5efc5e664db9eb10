//! Configuration: the catalogue of variables, profiles, layers, and the typed settings.
//!
//! Values travel one way: the process environment and files become [`resolution::Candidate`]s,
//! the highest layer wins, and the winners are parsed once into the typed groups of
//! [`Settings`]. Secrets stay unopened references ([`secret::SecretRef`]) on the whole way.

pub(crate) mod address;
pub(crate) mod catalogue;
pub(crate) mod compare;
pub(crate) mod derive;
pub(crate) mod docs;
pub(crate) mod dotenv;
pub(crate) mod environment;
pub(crate) mod git;
pub(crate) mod groups;
pub(crate) mod hook_names;
pub(crate) mod key_age;
mod layers;
pub(crate) mod lint;
mod load;
pub(crate) mod names;
pub(crate) mod origin;
pub(crate) mod profile;
pub(crate) mod profile_file;
pub(crate) mod profile_names;
pub(crate) mod resolution;
pub(crate) mod root;
pub(crate) mod rules;
pub(crate) mod secret;
pub(crate) mod secretish;
pub(crate) mod servers;
pub(crate) mod service_key;
pub(crate) mod shown;
mod state_dir;
pub(crate) mod switch;
pub(crate) mod switch_record;
mod taken_in;
#[cfg(test)]
mod tests;
pub(crate) mod trust;
pub(crate) mod trust_claims;
pub(crate) mod value;
pub(crate) mod workspace;
mod yaml;

pub(crate) use groups::Settings;
pub(crate) use load::{Loaded, load, needed, out_of_reach, start, validate};
pub(crate) use origin::Layer;
pub(crate) use resolution::Resolution;
pub(crate) use secret::SecretSource;
pub(crate) use workspace::Workspace;
