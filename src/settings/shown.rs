//! Values as people may see them.

use super::catalogue;
use super::resolution::Candidate;
use super::secret::ValueRef;
use super::secretish;
use super::value::Kind;
use crate::base::redact;

/// What of a value may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The value; credentials of a URL are masked.
    Plain(String),
    /// That there is one, and where it is kept.
    Hidden(String),
}

impl Shown {
    /// The text for a table.
    pub(crate) fn text(&self) -> String {
        match self {
            // A value may hold line ends; a table may not.
            Self::Plain(text) => text
                .chars()
                .flat_map(|c| {
                    let escaped = c.is_control().then(|| c.escape_default());
                    let plain = (!c.is_control()).then_some(c);
                    escaped.into_iter().flatten().chain(plain)
                })
                .collect(),
            Self::Hidden(source) => format!("(set: {source})"),
        }
    }

    /// The value, if it may be shown.
    pub(crate) fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Hidden(_) => None,
        }
    }
}

/// Whether the value of `name` must stand in no file and no answer, given what all layers say of
/// it: declared a secret, kept as one by any of them, or one by its looks.
pub(crate) fn hidden(name: &str, candidates: &[Candidate]) -> bool {
    let spec = catalogue::find(name);
    spec.map_or_else(|| secretish::name(name), |spec| spec.secret)
        || candidates.iter().any(|candidate| match &candidate.value {
            ValueRef::Text(text) if spec.is_none() => secretish::perhaps(text),
            ValueRef::Text(text) => secretish::value(text),
            ValueRef::Literal(_) | ValueRef::Vault { .. } | ValueRef::File(_) => true,
        })
}

/// What may be shown of what a layer says of the variable `name`.
pub(crate) fn shown(name: &str, candidate: &Candidate) -> Shown {
    let spec = catalogue::find(name);
    let hidden = |why: &str| Shown::Hidden(why.to_owned());
    match &candidate.value {
        ValueRef::Vault { profile, name } => Shown::Hidden(format!("vault entry {profile}/{name}")),
        ValueRef::File(path) => Shown::Hidden(format!("file {}", path.display())),
        ValueRef::Literal(secret) if secret.is_empty() => hidden("empty"),
        ValueRef::Literal(_) => hidden("secret"),
        ValueRef::Text(_) if spec.is_some_and(|spec| spec.secret) => hidden("secret"),
        ValueRef::Text(text) if spec.is_some_and(|spec| spec.kind == Kind::Url) => {
            Shown::Plain(redact::url(text))
        }
        ValueRef::Text(text)
            if secretish::value(text)
                || (spec.is_none() && (secretish::name(name) || secretish::perhaps(text))) =>
        {
            hidden("looks like a secret")
        }
        ValueRef::Text(text) => Shown::Plain(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::settings::origin::Layer;

    #[test]
    fn secrets_are_hidden_however_they_come() {
        let text = |text: &str| ValueRef::Text(text.to_owned());
        let shown = |name: &str, value: &ValueRef| {
            let origin = crate::settings::origin::Origin::of(Layer::DotenvLocal);
            shown(name, &Candidate { origin, value: value.clone() })
        };
        assert_eq!(shown("APP_BANNER", &text("hello")), Shown::Plain("hello".to_owned()));
        assert_eq!(shown("ULTRA_PORT", &text("80")), Shown::Plain("80".to_owned()));
        assert_eq!(shown("X", &text("a\nb")).text(), "a\\nb");
        for (name, value) in [
            ("OPENAI_API_KEY", text("canary")),
            ("OPENAI_API_KEY", ValueRef::Literal(Secret::new("canary"))),
            ("MY_TOKEN", text("canary")),
            ("X", text("sk-canary-123456")),
            ("MISTRAL_API_KY", text("canary")),
            ("X", text("https://hooks.slack.com/services/T0/canary")),
            ("OPENAI_BASE_URL", text("https://u:canary@h/v1?key=canary")),
            ("OPENAI_BASE_URL", text("canary")),
        ] {
            let shown = shown(name, &value);
            assert!(!format!("{shown:?} {}", shown.text()).contains("canary"), "{name}: {shown:?}");
        }
    }
}
