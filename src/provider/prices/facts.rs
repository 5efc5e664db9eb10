//! What else the list knows of models, beside their prices.

use super::list::{LIST, undated};
use crate::base::csv;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Of one model.
#[derive(Clone, Copy, Debug)]
struct Facts {
    most_output: Option<u64>,
    reasons: Option<bool>,
}

static FACTS: LazyLock<HashMap<(String, String), Facts>> = LazyLock::new(|| {
    let (rows, _) = csv::read(LIST);
    let mut rows = rows.into_iter();
    let header = rows.next().map(|row| row.fields).unwrap_or_default();
    let column = |name: &str| header.iter().position(|field| field.text == name);
    let [provider, model, most_output, reasons] =
        ["provider", "model", "max_output_tokens", "reasoning"].map(column);
    rows.filter_map(|row| {
        let cell = |column: Option<usize>| row.fields.get(column?).map(|field| field.text.clone());
        let facts = Facts {
            most_output: cell(most_output).and_then(|n| n.parse().ok()),
            reasons: cell(reasons).filter(|text| !text.is_empty()).map(|text| text == "1"),
        };
        Some(((cell(provider)?, cell(model)?), facts))
    })
    .collect()
});

/// Of a model by the name that its maker gives it; of one with a date at its end that is not
/// listed, what is known without the date.
fn of(maker: &str, model: &str) -> Option<&'static Facts> {
    let find = |name: &str| FACTS.get(&(maker.to_owned(), name.to_owned()));
    find(model).or_else(|| find(undated(model)?))
}

/// The most tokens of an answer of a model, if it is listed.
pub(crate) fn most_output(maker: &str, model: &str) -> Option<u64> {
    of(maker, model)?.most_output
}

/// Whether a model thinks before it answers, if it is listed.
pub(crate) fn reasons(maker: &str, model: &str) -> Option<bool> {
    of(maker, model)?.reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_models_are_known() {
        assert_eq!(most_output("anthropic", "claude-haiku-4-5"), Some(64_000));
        assert_eq!(most_output("anthropic", "claude-haiku-4-5-20310101"), Some(64_000));
        assert_eq!(most_output("anthropic", "claude-unheard-of"), None);
        assert_eq!(reasons("openai", "gpt-4o"), Some(false));
        assert_eq!(reasons("openai", "gpt-5"), Some(true));
        assert_eq!(reasons("openai", "no-such-model"), None);
    }
}
