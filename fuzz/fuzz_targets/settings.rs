//! The dialect as the product has it, and what it needs of its surroundings.

#[path = "../../src/settings/dotenv/mod.rs"]
pub(crate) mod dotenv;

/// Stands in for the catalogue, which would bring the whole product with it.
pub(crate) mod secretish {
    /// Whether a name is one of a secret.
    pub(crate) fn name(text: &str) -> bool {
        text.contains("KEY")
    }

    /// The same.
    pub(crate) fn variable(text: &str) -> bool {
        name(text)
    }

    /// Whether a value is a secret by its looks.
    pub(crate) fn perhaps(text: &str) -> bool {
        text.len() > 20
    }

    /// A name for a message.
    pub(crate) fn name_for_message(text: &str) -> String {
        format!("`{text}`")
    }
}
