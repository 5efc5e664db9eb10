//! What is looked for: a text, or bytes that are none.

use super::forms::Way;
use crate::base::{Secret, SecretBytes};

/// The value of a secret.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text.
    Text(Secret),
    /// Bytes that are not UTF-8.
    Bytes(SecretBytes),
}

impl Value {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.expose().as_bytes(),
            Self::Bytes(bytes) => bytes.expose(),
        }
    }

    /// The value written so; `None` if only texts are written so.
    pub(super) fn written(&self, way: Way) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(way.write(text.expose()).into_bytes()),
            Self::Bytes(bytes) => way.write_bytes(bytes.expose()),
        }
    }

    /// What it begins with: so many bytes, or a few more to the end of a character.
    pub(super) fn beginning(&self, length: usize) -> Self {
        match self {
            Self::Text(text) => {
                let text = text.expose();
                let end = text.char_indices().map(|(n, _)| n).find(|n| *n >= length);
                Self::Text(Secret::new(end.and_then(|end| text.get(..end)).unwrap_or(text)))
            }
            Self::Bytes(bytes) => {
                let bytes = bytes.expose();
                Self::Bytes(SecretBytes::new(bytes.get(..length).unwrap_or(bytes).to_vec()))
            }
        }
    }

    /// The lines of a value of several lines that are looked for by themselves, without the blanks
    /// around them: all that are as long as a value has to be, but for what frames a PEM.
    pub(super) fn lines(&self) -> Vec<Self> {
        match self {
            Self::Text(text) => {
                let lines = text.expose().lines().map(str::trim);
                let lines = lines.filter(|line| is_looked_for(line.as_bytes(), self.bytes()));
                lines.map(|line| Self::Text(Secret::new(line))).collect()
            }
            Self::Bytes(bytes) => {
                let lines = bytes.expose().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                let lines = lines.filter(|line| is_looked_for(line, self.bytes()));
                lines.map(|line| Self::Bytes(SecretBytes::new(line.to_vec()))).collect()
            }
        }
    }
}

fn is_looked_for(line: &[u8], value: &[u8]) -> bool {
    line.len() >= super::SHORTEST && line != value && !line.starts_with(b"-----")
}
