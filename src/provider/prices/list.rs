//! All prices by provider and model, and the version that stands on every usage row.

use super::{Facts, Price, file};
use crate::report::Problem;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The list in this binary.
pub(super) const LIST: &str = include_str!("list.csv");

/// Prices by provider and the provider's own name of a model, and what else is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    models: HashMap<Box<str>, OfProvider>,
    version: Arc<str>,
}

/// The models of a provider, by its own names of them.
type OfProvider = HashMap<Box<str>, (Price, Facts)>;

/// The prices of an operator in a root, where nobody names another file.
const OWN: &str = "prices.csv";

impl Prices {
    /// The list in this binary, with the rows of an operator's own file in the place of its own: the
    /// one that is `named`, below the root if the path is relative, else `prices.csv` of the root if
    /// there is one.
    ///
    /// # Errors
    /// A named file that is not there, a file that cannot be read, every bad row.
    pub(crate) fn load(root: Option<&Path>, named: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let Some(path) = Self::file(root, named) else { return Ok(Self::with(None)) };
        let overlay = file::overlay(&path)?;
        if overlay.is_none() && named.is_some() {
            let what = format!("there is no file `{}` with prices", path.display());
            let missing = Problem::error("no-file", what).why("`ULTRA_PRICES` names it");
            return Err(vec![missing.hint("ultra env explain ULTRA_PRICES")]);
        }
        Ok(Self::with(overlay.as_ref()))
    }

    /// The file of an operator's own prices, whether it is there or not: the one that is `named`,
    /// else that of the root.
    pub(crate) fn file(root: Option<&Path>, named: Option<&Path>) -> Option<PathBuf> {
        match (named, root) {
            (Some(named), Some(root)) => Some(root.join(named)),
            (Some(named), None) => Some(named.to_owned()),
            (None, root) => root.map(|root| root.join(OWN)),
        }
    }

    /// The list in this binary, with the rows of `overlay` in the place of its own.
    fn with(overlay: Option<&file::Overlay>) -> Self {
        // The list is read by a test: nothing in it is broken.
        let (listed, _) = file::read(LIST);
        let own = overlay.map(|o| o.rows.as_slice()).unwrap_or_default();
        let mut models: HashMap<Box<str>, OfProvider> = HashMap::new();
        for row in listed.iter().chain(own) {
            let of = models.entry(row.provider.as_str().into()).or_default();
            // Own prices say nothing of what a model can do, unless they do.
            let before = of.get(row.model.as_str()).map(|(_, facts)| *facts).unwrap_or_default();
            of.insert(row.model.as_str().into(), (row.price, row.facts.or(before)));
        }
        let mut digest = Sha256::new();
        digest.update(LIST);
        if let Some(overlay) = overlay {
            digest.update([0]);
            digest.update(&overlay.bytes);
        }
        let digest = data_encoding::HEXLOWER.encode(&digest.finalize());
        let short: String = digest.chars().take(8).collect();
        let own = if overlay.is_some() { "+own" } else { "" };
        Self { models, version: format!("{}{own}-{short}", date()).into() }
    }

    /// Names the prices: the date of the list, `+own` where an overlay is in use, and the beginning
    /// of a digest of both, such as `2026-11+own-1f2e3d4c`.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The price of a model at a provider, by the names that the provider has in the profile and the
    /// model at the provider. A model that is not listed has the price of the name without the date
    /// at its end (`-2024-08-06`, `-20240806`).
    pub(crate) fn find(&self, provider: &str, model: &str) -> Option<&Price> {
        self.row(provider, model).map(|(price, _)| price)
    }

    /// What else is known of a model, found as its price is.
    pub(crate) fn facts(&self, provider: &str, model: &str) -> Facts {
        self.row(provider, model).map(|(_, facts)| *facts).unwrap_or_default()
    }

    fn row(&self, provider: &str, model: &str) -> Option<&(Price, Facts)> {
        let models = self.models.get(provider)?;
        models.get(model).or_else(|| models.get(undated(model)?))
    }
}

/// The date of the list, as its header says.
fn date() -> &'static str {
    LIST.lines().find_map(|line| line.strip_prefix("# date: ")).unwrap_or("undated")
}

/// The name without a date at its end, if it has one.
pub(super) fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    let (name, date) = if digits(last, 8) {
        (rest, last.to_owned())
    } else {
        let (rest, month) = rest.rsplit_once('-')?;
        let (name, year) = rest.rsplit_once('-')?;
        if !(digits(year, 4) && digits(month, 2) && digits(last, 2)) {
            return None;
        }
        (name, format!("{year}{month}{last}"))
    };
    let number = |from: usize, to: usize| date.get(from..to).and_then(|n| n.parse::<i8>().ok());
    let year = date.get(..4)?.parse::<i16>().ok().filter(|year| *year >= 2020)?;
    jiff::civil::Date::new(year, number(4, 6)?, number(6, 8)?).ok()?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_in_the_binary_is_sound() {
        let (rows, problems) = file::read(LIST);
        assert_eq!(problems.len(), 0, "{problems:?}");
        assert!(rows.len() > 400);
        assert_eq!(date(), "2026-11");
        let prices = Prices::with(None);
        assert_eq!(
            prices.models.values().map(HashMap::len).sum::<usize>(),
            rows.len(),
            "no model is listed twice"
        );
        let haiku = prices.find("anthropic", "claude-haiku-4-5").unwrap();
        assert_eq!((haiku.input, haiku.output), (Some(1_000_000), Some(5_000_000)));
        assert_eq!(
            (haiku.cache_write_5m, haiku.cache_write_1h),
            (Some(1_250_000), Some(2_000_000))
        );
    }

    #[test]
    fn a_date_at_the_end_of_a_name_is_passed_over_where_it_is_not_listed() {
        for (model, name) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("claude-haiku-4-5-20251001", Some("claude-haiku-4-5")),
            ("m-2024-13-06", None),
            ("m-20240230", None),
            ("m-19991231", None),
            ("m-12345678", None),
            ("m-08-2024", None),
            ("-2024-08-06", None),
            ("2024-08-06", None),
            ("gpt-4", None),
        ] {
            assert_eq!(undated(model), name, "{model}");
        }
        let prices = Prices::with(None);
        let base = prices.find("openai", "gpt-4o");
        assert!(base.is_some() && prices.find("openai", "gpt-4o-2031-01-02") == base);
        assert_ne!(prices.find("openai", "gpt-4o-2024-05-13"), base, "listed by itself");
        assert_eq!(prices.find("elsewhere", "gpt-4o"), None);
        assert_eq!(prices.find("openai", "gpt-4o-"), None);
    }

    #[test]
    fn an_overlay_replaces_rows_and_shows_in_the_version() {
        let text = "provider,model,input_microusd_per_mtok\nopenai,gpt-4o,7\nours,x,\n";
        let (rows, problems) = file::read(text);
        assert!(problems.is_empty(), "{problems:?}");
        let overlay = file::Overlay { rows, bytes: text.into() };
        let (plain, own) = (Prices::with(None), Prices::with(Some(&overlay)));
        let price = own.find("openai", "gpt-4o").unwrap();
        assert_eq!((price.input, price.output), (Some(7), None), "the whole row is replaced");
        assert_eq!(own.find("ours", "x"), Some(&Price::default()));
        let facts = plain.facts("openai", "gpt-4o");
        assert!(facts.context.is_some() && facts.tools == Some(true), "{facts:?}");
        assert_eq!(own.facts("openai", "gpt-4o"), facts, "what the file does not say stays");
        let sonnet = plain.facts("anthropic", "claude-sonnet-4-5").deprecated;
        assert_eq!(sonnet, Some(jiff::civil::date(2026, 11, 30)));
        assert_ne!(plain.version(), own.version());
        assert!(plain.version().starts_with("2026-11-") && plain.version().len() == 16);
        assert!(own.version().starts_with("2026-11+own-"), "{}", own.version());
    }
}
