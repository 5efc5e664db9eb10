//! The vault itself: its backend, its files, whether they agree, its audit, and what commands that
//! were cut short left.

use super::super::audit;
use super::{Patient, Row};
use crate::base::{leftover, words};
use crate::report::{Fault, Level, Place, Problem};
use crate::rotation::{Fed, Journal};
use crate::secrets::{BackendKind, Freshness, Overview};

/// Looks at the vault.
pub(super) fn look(patient: &Patient<'_>) -> Vec<Row> {
    let vault = patient.desk.vault;
    let overview = match vault.overview() {
        Ok(overview) => overview,
        Err(fault) => return vec![Row::of("index", "", fault.problems), files(patient)],
    };
    let mut rows = vec![backend(patient, &overview), files(patient), index(patient, &overview)];
    rows.push(content(patient, &overview));
    rows.push(chain(patient));
    rows.push(rotations(patient));
    rows.push(migration(patient));
    rows
}

fn backend(patient: &Patient<'_>, overview: &Overview) -> Row {
    let vault = patient.desk.vault;
    let Some(index) = &overview.index else {
        // What the first key would be kept by, if nobody says otherwise.
        return match vault.keyring_stands() {
            Ok(()) => Row::pass("backend", "not chosen yet; the keyring works"),
            Err(why) => Row::skip("backend", format!("not chosen yet; {why}")),
        };
    };
    match vault.backend_stands(index.backend) {
        Ok(said) => Row::pass("backend", format!("`{}`: {said}", index.backend.word())),
        // A keyring that is locked or away says nothing of whether the identity is in it.
        Err(problem) if index.backend == BackendKind::Keyring => {
            Row::unknown("backend", vec![problem])
        }
        Err(problem) => Row::of("backend", "", vec![problem]),
    }
}

fn files(patient: &Patient<'_>) -> Row {
    let vault = patient.desk.vault;
    let mut problems = vault.files_stand();
    let left = leftover::in_state(patient.desk.state_dir);
    if let [first, ..] = &*left {
        let what = format!(
            "{} of writers that were killed {} here",
            words::count(left.len(), "temporary file"),
            if left.len() == 1 { "is" } else { "are" },
        );
        problems.push(
            Problem::warning("left-over", what)
                .at(Place::file(first))
                .why("no process holds them; they may hold what was being written, sealed as it is")
                .hint("the next change of a key removes them"),
        );
    }
    Row::of("files", "owner and modes are right", problems)
}

fn index(patient: &Patient<'_>, overview: &Overview) -> Row {
    let followed = patient.desk.vault.path("published").join("vault.age").exists();
    let (what, hint) = match overview.freshness {
        Freshness::NoVault if followed => {
            return Row::pass(
                "index",
                "the vault is written elsewhere; a server here works with what is published from there",
            );
        }
        Freshness::NoVault => return Row::skip("index", "there is no vault yet"),
        Freshness::Fresh => {
            let generation = overview.generation;
            return Row::pass(
                "index",
                format!("says what is in the vault, generation {generation}"),
            );
        }
        Freshness::Stale => return unlike(patient, overview),
        Freshness::NoIndex => (
            "the index of the vault is gone",
            "`ultra keys verify` makes it anew if the identity is found, as does the next change of a \
             key; or restore `vault-index.json` from a backup",
        ),
        Freshness::Lost => (
            "the vault is gone, and its index tells of keys in it",
            "restore `vault.age` from a backup",
        ),
    };
    Row::of("index", "", vec![Problem::error("vault-index", what).hint(hint)])
}

/// The vault is not the one that the index tells of.
fn unlike(patient: &Patient<'_>, overview: &Overview) -> Row {
    let problem = |what: &str| Problem::error("vault-index", what);
    let problem = match patient.open.then(|| patient.desk.vault.document()) {
        Some(Ok(_)) => problem("the index tells of another vault than the one here")
            .why("the vault opens: it was put back from a backup, or copied here")
            .hint("`ultra keys verify` makes the index anew, as does the next change of a key"),
        Some(Err(_)) => problem("the index tells of another vault than the one here")
            .hint("what is wrong with the vault stands under `content`"),
        None => match super::super::status::freshness(overview) {
            Some(told) => Problem { level: Level::Error, ..told },
            None => problem("the index tells of another vault than the one here"),
        },
    };
    Row::of("index", "", vec![problem])
}

/// The vault against its index, if it is to be opened.
fn content(patient: &Patient<'_>, overview: &Overview) -> Row {
    const LOOK: &str = "content";
    if matches!(overview.freshness, Freshness::NoVault | Freshness::Lost) {
        return Row::skip(LOOK, "there is nothing to open");
    }
    if !patient.open {
        return Row::skip(LOOK, "not opened; `--open` does");
    }
    let vault = patient.desk.vault;
    let document = match vault.document() {
        Ok(Some(document)) => document,
        Ok(None) => return Row::skip(LOOK, "there is nothing to open"),
        Err(fault) => return closed(LOOK, fault),
    };
    let versions: usize = document.entries.values().map(|entry| entry.versions.len()).sum();
    let mut problems = Vec::new();
    if overview.freshness == Freshness::Fresh {
        if document.generation != overview.generation {
            problems.push(
                Problem::error("generations-differ", "vault and index are of two generations")
                    .why(format!("{} and {}", document.generation, overview.generation))
                    .hint("the next change of a key makes the index anew"),
            );
        }
        let numbers = |versions: Vec<u32>| versions;
        let in_vault = document.entries.iter().map(|(key, entry)| {
            (key.as_str(), numbers(entry.versions.iter().map(|v| v.number).collect()))
        });
        let in_index = overview.entries.iter().map(|(key, entry)| {
            (key.as_str(), numbers(entry.versions.iter().map(|v| v.number).collect()))
        });
        if !in_vault.eq(in_index) {
            problems.push(
                Problem::error("index-differs", "the index tells of other versions than there are")
                    .hint("the next change of a key makes the index anew"),
            );
        }
    }
    let fine =
        format!("opens; {}, generation {}", words::count(versions, "version"), document.generation);
    Row::of(LOOK, fine, problems)
}

/// Why the vault does not open: what is damaged or missing is wrong, what is locked is unknown.
fn closed(look: &'static str, fault: Fault) -> Row {
    let wrong = [
        "vault-damaged",
        "vault-format",
        "vault-lost",
        "identity-missing",
        "keyring-item-missing",
        "other-identity",
        "identity-file",
        "identity-file-open",
        "identity-inside",
        "no-identity",
    ];
    if fault.problems.iter().any(|problem| wrong.contains(&problem.code)) {
        Row::of(look, "", fault.problems)
    } else {
        Row::unknown(look, fault.problems)
    }
}

fn chain(patient: &Patient<'_>) -> Row {
    const LOOK: &str = "audit";
    let vault = patient.desk.vault;
    // A vault that does not open is told of above.
    let open = patient.open && vault.document().is_ok();
    let chain = match vault.audited(open, |_| {}) {
        Ok(Some(chain)) => chain,
        Ok(None) => return Row::skip(LOOK, "nothing was done yet"),
        Err(fault) => return Row::fault(LOOK, fault),
    };
    let mut problems = audit::problems(&chain, &vault.path("audit.jsonl"));
    if let Some(line) = chain.set_back {
        problems.push(
            Problem::warning(
                "clock-set-back",
                format!("line {line} is dated before the one above"),
            )
            .why("the clock was set back between the two, or they come from two machines")
            .hint("keep the clock by NTP: `timedatectl set-ntp true`"),
        );
    }
    Row::of(LOOK, format!("whole: {}", words::count(chain.lines, "line")), problems)
}

fn rotations(patient: &Patient<'_>) -> Row {
    const LOOK: &str = "rotations";
    let journals = match Journal::all(patient.desk.state_dir) {
        Ok(journals) => journals,
        Err(fault) => return Row::of(LOOK, "", fault.problems),
    };
    let awaited = match Fed::all(patient.desk.state_dir) {
        Ok(awaited) => awaited,
        Err(fault) => return Row::of(LOOK, "", fault.problems),
    };
    let journals = journals.iter().map(super::super::status::unfinished);
    let problems = journals.chain(awaited.iter().map(super::super::fed::unfinished)).collect();
    Row::of(LOOK, "none was cut short", problems)
}

fn migration(patient: &Patient<'_>) -> Row {
    const LOOK: &str = "migration";
    match patient.desk.vault.migration() {
        Ok(None) => Row::pass(LOOK, "none was cut short"),
        Ok(Some(left)) => Row::of(LOOK, "", vec![left.problem()]),
        Err(fault) => Row::of(LOOK, "", fault.problems),
    }
}
