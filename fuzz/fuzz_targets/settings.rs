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

    /// The same, of a text that may be a comment.
    pub(crate) fn remark(text: &str) -> bool {
        perhaps(text)
    }

    /// A name, if it is fit to be shown.
    pub(crate) fn fit_name(text: &str) -> Option<&str> {
        (text.len() < 40).then_some(text)
    }

    /// Whether the catalogue has the name.
    pub(crate) fn is_catalogued(text: &str) -> bool {
        text.len() == 1
    }

    /// A name in a message.
    pub(crate) fn told(name: Option<&str>) -> String {
        format!("`{}`", name.unwrap_or_default())
    }

    /// A name for a message.
    pub(crate) fn name_for_message(text: &str) -> String {
        told(fit_name(text))
    }
}
