//! The vocabulary of checks: what one is, and what it says.

use super::Facts;
use crate::report::Outcome;
use crate::settings::profile::Gate;
use serde::Serialize;

/// Declares a fieldless enum with a word for each variant.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(crate) enum $name { $($(#[doc = $vdoc])+ #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word in JSON and on the command line.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// What a check is about; its short form stands in the id.
    Group {
        /// Profiles, variables, files.
        Config = "config",
        /// Keys and where they live.
        Secrets = "secrets",
        /// Who may do what.
        Auth = "auth",
        /// Response headers, CORS, what errors tell.
        Headers = "headers",
        /// The store.
        Database = "database",
        /// The cache.
        Cache = "cache",
        /// Providers and their keys.
        Providers = "providers",
        /// Health, metrics, request ids.
        Observability = "observability",
        /// Images and compose files.
        Containers = "containers",
        /// What people read.
        Docs = "docs",
        /// The project's own sources.
        Scan = "scan",
        /// The server itself.
        Live = "live",
    }
}

words! {
    /// How bad a failure is.
    Severity {
        /// Data, money or access are lost.
        Critical = "critical",
        /// An outage or a leak is near.
        High = "high",
        /// Work gets harder or slower.
        Medium = "medium",
        /// A blemish.
        Low = "low",
    }
}

words! {
    /// What a check needs in order to be judged.
    Stage {
        /// The project's files.
        Static = "static",
        /// The resolved configuration.
        Config = "config",
        /// A running server.
        Live = "live",
        /// An experiment that breaks something.
        Drill = "drill",
    }
}

impl Group {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Config,
        Self::Secrets,
        Self::Auth,
        Self::Headers,
        Self::Database,
        Self::Cache,
        Self::Providers,
        Self::Observability,
        Self::Containers,
        Self::Docs,
        Self::Scan,
        Self::Live,
    ];

    /// The middle part of the ids of its checks.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Config => "CFG",
            Self::Secrets => "SEC",
            Self::Auth => "AUTH",
            Self::Headers => "HDR",
            Self::Database => "DB",
            Self::Cache => "CACHE",
            Self::Providers => "PROV",
            Self::Observability => "OBS",
            Self::Containers => "CONT",
            Self::Docs => "DOC",
            Self::Scan => "SCAN",
            Self::Live => "LIVE",
        }
    }
}

impl Severity {
    /// Its share of the score: each level weighs twice the next.
    pub(crate) fn weight(self) -> u32 {
        match self {
            Self::Critical => 8,
            Self::High => 4,
            Self::Medium => 2,
            Self::Low => 1,
        }
    }
}

/// What is known of a check before it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckMeta {
    /// `ULT-<GROUP>-NNN`; never used for another check.
    pub(crate) id: &'static str,
    /// What it is about.
    pub(crate) group: Group,
    /// What holds when it passes.
    pub(crate) title: &'static str,
    /// What happens when it does not hold, in a sentence.
    pub(crate) why: &'static str,
    /// How bad a failure is.
    pub(crate) severity: Severity,
    /// What a failure blocks.
    pub(crate) gate: Gate,
    /// What it needs.
    pub(crate) stage: Stage,
    /// The checks that must hold before this one means anything.
    pub(crate) needs: &'static [&'static str],
}

/// A check: what is known of it, its judge and its page.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// What is known of it.
    pub(crate) meta: &'static CheckMeta,
    /// Judges the facts; does nothing else.
    pub(crate) judge: fn(&Facts) -> Judged,
    /// The source file; its module doc is the page.
    pub(crate) source: &'static str,
    /// Facts that it passes.
    #[cfg(test)]
    pub(crate) good: fn() -> Facts,
    /// Facts that it fails.
    #[cfg(test)]
    pub(crate) bad: fn() -> Facts,
}

impl Check {
    /// The page: what it checks, why, how to fix; Markdown.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        for line in self.source.lines() {
            let Some(text) = line.strip_prefix("//!") else { break };
            page.push_str(text.strip_prefix(' ').unwrap_or(text));
            page.push('\n');
        }
        page
    }
}

/// Why there is no judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoJudgement {
    /// It does not apply here; the reason.
    Skip(String),
    /// A fact could not be had; the cause.
    Unknown(String),
}

/// What a judge returns: `?` on a missing fact ends in `skip` or `unknown`.
pub(crate) type Judged = Result<Judgement, NoJudgement>;

/// Something that supports a judgement. Never holds a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    /// What was seen.
    pub(crate) summary: String,
    /// Where: a file with line, or a request.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What was seen.
    pub(crate) observed: String,
    /// What should have been seen.
    pub(crate) expected: Option<String>,
    /// What to do; where possible a command that can be pasted.
    pub(crate) fix: Option<String>,
    /// What supports it.
    pub(crate) evidence: Vec<Evidence>,
}

impl Judgement {
    fn new(outcome: Outcome, observed: impl Into<String>) -> Self {
        Self { outcome, observed: observed.into(), expected: None, fix: None, evidence: Vec::new() }
    }

    /// It holds.
    pub(crate) fn pass(observed: impl Into<String>) -> Self {
        Self::new(Outcome::Pass, observed)
    }

    /// It does not hold.
    pub(crate) fn fail(observed: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..Self::new(Outcome::Fail, observed) }
    }

    /// It holds, but.
    pub(crate) fn warn(observed: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..Self::new(Outcome::Warn, observed) }
    }

    /// It does not apply here.
    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Skip, reason)
    }

    /// It could not be judged.
    pub(crate) fn unknown(cause: impl Into<String>) -> Self {
        Self::new(Outcome::Unknown, cause)
    }

    /// The same with a way out.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The same with one more piece of evidence.
    pub(crate) fn evidence(mut self, summary: impl Into<String>, place: Option<String>) -> Self {
        self.evidence.push(Evidence { summary: summary.into(), place });
        self
    }
}

impl From<NoJudgement> for Judgement {
    fn from(why: NoJudgement) -> Self {
        match why {
            NoJudgement::Skip(reason) => Self::skip(reason),
            NoJudgement::Unknown(cause) => Self::unknown(cause),
        }
    }
}
