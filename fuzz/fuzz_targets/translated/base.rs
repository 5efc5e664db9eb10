//! Secrets and their masking, as the product has them.

#[path = "../../../src/base/redact.rs"]
pub(crate) mod redact;
#[path = "../../../src/base/secret.rs"]
pub(crate) mod secret;

pub(crate) use secret::{Secret, SecretBytes};
