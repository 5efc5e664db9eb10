//! The table of keys: what the index and the layers say, without opening anything.

use super::Desk;
use super::names::{self, Key, Kind};
use crate::base::{Timestamp, process, time};
use crate::report::{Block, Fault, Table, Tone};
use crate::rotation::{self, Journal};
use crate::secrets::State;
use crate::secrets::index::VersionFacts;
use crate::settings::Layer;
use crate::settings::key_age::KeyAge;
use serde::Serialize;

/// What is known of one key.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// The name in the vault.
    pub(super) name: String,
    /// The variable.
    pub(super) variable: Option<String>,
    /// What it is for.
    pub(super) kind: Kind,
    /// The layer that wins, and where.
    pub(super) source: Option<String>,
    /// Whether the vault has an entry that a higher layer shadows.
    pub(super) shadowed: bool,
    /// The version in use in the vault.
    pub(super) version: Option<u32>,
    /// `current`, or how far a rotation is.
    pub(super) state: Option<String>,
    /// When the version was made.
    pub(super) created_at: Option<Timestamp>,
    /// How old it is.
    pub(super) age_seconds: Option<i64>,
    /// How old it may become.
    pub(super) max_age_seconds: Option<u64>,
    /// Whether it is within its greatest age.
    pub(super) policy: Policy,
    /// The keyed fingerprint.
    pub(super) fingerprint: Option<String>,
    /// The destination it is bound to.
    pub(super) destination: Option<String>,
    /// When a provider last accepted it.
    pub(super) verified_at: Option<Timestamp>,
    /// The user id of who made the version.
    pub(super) by: Option<u32>,
    /// How many older versions are kept.
    pub(super) old_versions: usize,
    /// The versions besides the one in use that somebody may still accept.
    pub(super) others: Vec<Other>,
}

/// A version besides the one in use.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Other {
    /// Its number.
    pub(super) version: u32,
    /// What it is used for.
    pub(super) state: State,
    /// The keyed fingerprint.
    pub(super) fingerprint: String,
    /// When its grace is over.
    pub(super) retire_at: Option<Timestamp>,
    /// Whether its grace is over.
    pub(super) due: bool,
    /// Whether others may know it.
    pub(super) compromised: bool,
    /// Whether its provider is thought to accept it: nobody disabled it and it was not refused.
    pub(super) valid_at_provider: bool,
}

impl Other {
    fn of(version: &VersionFacts, key: &Key, now: Timestamp) -> Option<Self> {
        let superseded = matches!(version.state, State::Old | State::Disabled);
        let valid_at_provider = superseded
            && key.provider.is_some()
            && version.refused_at.is_none()
            && version.state != State::Disabled;
        let shown = match version.state {
            State::Current => false,
            State::Pending | State::Next => true,
            State::Old | State::Disabled => {
                valid_at_provider || version.retire_at.is_some() || version.compromised_at.is_some()
            }
        };
        shown.then(|| Self {
            version: version.number,
            state: version.state,
            fingerprint: version.fingerprint.clone(),
            retire_at: version.retire_at,
            due: version.retire_at.is_some_and(|due| due <= now),
            compromised: version.compromised_at.is_some(),
            valid_at_provider,
        })
    }

    /// What there is to say of it.
    pub(super) fn text(&self, now: Timestamp) -> String {
        let mut parts = vec![self.state.word().to_owned()];
        if self.compromised {
            parts.push("compromised".to_owned());
        }
        if self.valid_at_provider {
            parts.push("as far as known still valid at the provider".to_owned());
        }
        if let Some(due) = self.retire_at {
            let left = due.as_second() - now.as_second();
            parts.push(if self.due {
                format!("its grace is over since {} ago", time::human(-left))
            } else {
                format!("ends in {}", time::human(left))
            });
        }
        parts.join(", ")
    }
}

/// How a key stands to its greatest age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::commands) enum Policy {
    /// There is no greatest age, or no version.
    None,
    /// Young enough.
    Ok,
    /// Past 80 % of it.
    Due,
    /// Older than it.
    Over,
}

impl Policy {
    /// How an age stands to the greatest one.
    pub(in crate::commands) fn of(age: i64, max: Option<u64>) -> Self {
        match max.map(|max| KeyAge::of(age, max)) {
            None => Self::None,
            Some(KeyAge::Fine) => Self::Ok,
            Some(KeyAge::Due) => Self::Due,
            Some(KeyAge::Over) => Self::Over,
        }
    }
}

impl Policy {
    /// How it reads beside the greatest age, in seconds.
    pub(in crate::commands) fn shown(self, max: u64) -> (String, Tone) {
        let max = time::human(i64::try_from(max).unwrap_or(i64::MAX));
        match self {
            Self::None => ("-".to_owned(), Tone::Plain),
            Self::Ok => (format!("ok, {max}"), Tone::Good),
            Self::Due => (format!("due, {max}"), Tone::Warn),
            Self::Over => (format!("over {max}"), Tone::Bad),
        }
    }
}

/// The keys of the profile that have a value or a source.
pub(super) fn rows(desk: &Desk<'_>, journals: &[Journal]) -> Result<Vec<Row>, Fault> {
    let overview = desk.vault.overview()?;
    let now = desk.vault.clock().now();
    let keys = names::all(desk.resolution, &overview);
    let rows = keys.iter().map(|key| {
        let entry = overview.entry(desk.profile(), &key.name);
        let journal = journals.iter().find(|j| j.profile == desk.profile() && j.name == key.name);
        row(desk, key, entry, journal, now)
    });
    Ok(rows.filter(|row| row.source.is_some() || row.state.is_some()).collect())
}

fn row(
    desk: &Desk<'_>,
    key: &Key,
    entry: Option<&crate::secrets::EntryFacts>,
    journal: Option<&Journal>,
    now: Timestamp,
) -> Row {
    let current = entry.and_then(|e| e.current());
    let winner = key.variable.as_deref().and_then(|v| desk.resolution.winner(v));
    // By a clock that was set back it is of this instant.
    let age = current.map(|v| (now.as_second() - v.created_at.as_second()).max(0));
    let max = key.kind.max_age(&desk.resolution.profile.policy.key_max_age).map(|d| d.as_secs());
    let state = match (journal, current) {
        (Some(journal), _) if journal.kind == rotation::Kind::Retire => {
            Some(format!("{}, ending version {}", State::Current.word(), journal.from))
        }
        (Some(journal), _) => Some(format!("{} {}", journal.kind.word(), journal.step.word())),
        (None, Some(_)) => Some(State::Current.word().to_owned()),
        (None, None) => None,
    };
    Row {
        name: key.name.clone(),
        variable: key.variable.clone(),
        kind: key.kind,
        source: match (winner, current) {
            (Some(winner), _) => Some(winner.origin.to_string()),
            (None, Some(_)) => Some(Layer::Vault.describe().to_owned()),
            (None, None) => None,
        },
        shadowed: current.is_some() && winner.is_some_and(|w| w.origin.layer > Layer::Vault),
        version: current.map(|v| v.number),
        state,
        created_at: current.map(|v| v.created_at),
        age_seconds: age,
        max_age_seconds: max,
        policy: age.map_or(Policy::None, |age| Policy::of(age, max)),
        fingerprint: current.map(|v| v.fingerprint.clone()),
        destination: current.and_then(|v| v.bound.clone()),
        verified_at: current.and_then(|v| v.verified_at),
        by: current.and_then(|v| v.by),
        others: entry
            .into_iter()
            .flat_map(|e| &e.versions)
            .filter_map(|v| Other::of(v, key, now))
            .collect(),
        old_versions: entry
            .map_or(0, |e| e.versions.iter().filter(|v| v.state == State::Old).count()),
    }
}

/// The rows for people.
pub(super) fn table(rows: &[Row], now: Timestamp) -> Block {
    let mut table = Table::new(&[
        "name",
        "source",
        "version",
        "state",
        "age",
        "policy",
        "by",
        "verified",
        "fingerprint",
        "destination",
    ]);
    for row in rows {
        let plain = |text: Option<String>| (text.unwrap_or_else(|| "-".to_owned()), Tone::Plain);
        let (policy, tone) = match row.max_age_seconds {
            Some(max) => row.policy.shown(max),
            None => ("-".to_owned(), Tone::Plain),
        };
        let source = row.source.clone().map(|source| {
            if row.shadowed { format!("{source} (shadows the vault)") } else { source }
        });
        table.rows.push(vec![
            (row.name.clone(), Tone::Strong),
            plain(source),
            plain(row.version.map(|v| format!("v{v}"))),
            plain(row.state.clone()),
            plain(row.age_seconds.map(time::human)),
            (policy, tone),
            plain(row.by.map(process::user)),
            plain(
                row.verified_at
                    .map(|at| format!("{} ago", time::human(now.as_second() - at.as_second()))),
            ),
            plain(row.fingerprint.clone()),
            plain(row.destination.clone()),
        ]);
    }
    Block::Table(table)
}

/// The versions besides those in use, for people; `None` if there are none.
pub(super) fn others(rows: &[Row], now: Timestamp) -> Option<Block> {
    let mut table = Table::new(&["name", "version", "state", "fingerprint"]);
    for row in rows {
        for other in &row.others {
            table.row([
                row.name.clone(),
                format!("v{}", other.version),
                other.text(now),
                other.fingerprint.clone(),
            ]);
        }
    }
    (!table.rows.is_empty()).then_some(Block::Table(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_due_at_four_fifths_of_their_age() {
        assert_eq!(Policy::of(0, None), Policy::None);
        assert_eq!(Policy::of(79, Some(100)), Policy::Ok);
        assert_eq!(Policy::of(80, Some(100)), Policy::Due);
        assert_eq!(Policy::of(100, Some(100)), Policy::Due);
        assert_eq!(Policy::of(101, Some(100)), Policy::Over);
        assert_eq!(Policy::of(-5, Some(100)), Policy::Ok, "a clock that was set back");
    }
}
