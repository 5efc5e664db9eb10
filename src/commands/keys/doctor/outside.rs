//! What is outside this machine's files: the running servers, and keys that providers still have.

use super::super::around::Servers;
use super::super::issuing;
use super::super::names::{self, Kind};
use super::{Patient, Row};
use crate::base::words;
use crate::provider::admin::IssuerError;
use crate::report::{Fault, Problem};
use crate::rotation::StoreFleet;
use crate::rotation::fleet::{Fleet as _, Has, Replica, acknowledged};
use crate::secrets::{Document, Freshness, Overview, State};
use crate::settings::catalogue;
use crate::settings::secret::{Remote, ValueRef};
use crate::store::DatabaseOptions;

/// Looks outside.
pub(super) fn look(patient: &Patient<'_>) -> Vec<Row> {
    let Ok(overview) = patient.desk.vault.overview() else { return Vec::new() };
    let (published, theirs) = published(patient, &overview);
    let mut rows = vec![servers(patient, &overview), published];
    rows.extend(orphans(patient, &overview, theirs));
    rows
}

/// Whether the value of a variable is to be had without opening the vault, or that is wanted.
fn within_reach(patient: &Patient<'_>, variable: &str) -> bool {
    let secret = patient.desk.resolution.secret(variable);
    let in_vault = secret.is_some_and(|secret| matches!(secret.value, ValueRef::Vault { .. }));
    patient.open || !in_vault
}

fn servers(patient: &Patient<'_>, overview: &Overview) -> Row {
    const LOOK: &str = "servers";
    let desk = patient.desk;
    let Some(settings) = desk.settings else {
        return Row::skip(LOOK, "the profile does not hold, so nobody knows their store");
    };
    if !within_reach(patient, "DATABASE_URL") {
        return Row::skip(LOOK, "the address of their store is in the vault; `--open` looks");
    }
    let profile = &desk.resolution.profile;
    let replicas =
        DatabaseOptions::from_settings(&settings.database, profile, desk.state_dir, desk.vault)
            .map_err(Fault::unreachable)
            .and_then(|options| StoreFleet::new(options, &profile.name, desk.vault).replicas());
    let replicas = match replicas {
        Ok(replicas) if replicas.is_empty() => return Row::pass(LOOK, "none runs"),
        Ok(replicas) => replicas,
        Err(fault) => return Row::fault(LOOK, fault),
    };
    let fine = format!("{} of {0} have the keys that are in use", replicas.len());
    Row::of(LOOK, fine, behind(patient, overview, &replicas))
}

/// What servers elsewhere were given, against the vault here; and whether it is sure that they have
/// no other vault.
fn published(patient: &Patient<'_>, overview: &Overview) -> (Row, bool) {
    const LOOK: &str = "published";
    let desk = patient.desk;
    if desk.settings.is_none() || !within_reach(patient, "DATABASE_URL") {
        return (Row::skip(LOOK, "not compared; `--open` looks for the store"), false);
    }
    if overview.freshness == Freshness::NoVault && !patient.open {
        return (Row::skip(LOOK, "there is no vault here; `--open` looks for one"), false);
    }
    let there = match Servers::of(desk).published() {
        Ok(Some(there)) => there,
        Ok(None) => return (Row::skip(LOOK, "servers elsewhere were given no vault"), true),
        Err(fault) => return (Row::fault(LOOK, fault), false),
    };
    let (theirs, ours) = (there.head.generation, overview.generation);
    let same = desk.vault.sealed().ok().flatten().is_some_and(|(_, sealed)| sealed == there.sealed);
    if same {
        let fine = format!("servers elsewhere were given generation {theirs}");
        return (Row::pass(LOOK, fine), true);
    }
    let profile = desk.profile();
    // Only who opens the vault can tell more than their generations.
    let forked = theirs >= ours || patient.open && !desk.vault.comes_from(&there.sealed);
    let problem = match forked {
        true => Problem::error(
            "vault-forked",
            format!(
                "servers were given generation {theirs} of the vault, and generation {ours} here \
                 does not come from it"
            ),
        )
        .why("the vault was changed from another machine, or put back from a backup")
        .hint(format!("ultra keys doctor --take-published --profile {profile}")),
        false => Problem::warning(
            "not-published",
            format!("servers elsewhere were given generation {theirs}, and this is {ours}"),
        )
        .hint(format!(
            "`ultra keys verify --profile {profile}` gives it to them, as does any change of a key"
        )),
    };
    (Row::of(LOOK, "", vec![problem]), patient.open && !forked)
}

/// The keys in use that a server does not have.
fn behind(patient: &Patient<'_>, overview: &Overview, replicas: &[Replica]) -> Vec<Problem> {
    let desk = patient.desk;
    let mut problems = Vec::new();
    for key in names::all(desk.resolution, overview) {
        let Some(variable) = key.variable.as_deref() else { continue };
        let entry = overview.entry(desk.profile(), &key.name);
        let Some(current) = entry.and_then(|entry| entry.current()) else { continue };
        let told = acknowledged(replicas, variable, &current.fingerprint, Has::AtWork);
        if !told.waiting.is_empty() {
            problems.push(
                Problem::error(
                    "not-acknowledged",
                    format!("version {} of `{}` is on {}", current.number, key.name, told.in_words("server")),
                )
                .why(format!("without it: {}", told.waiting.join(", ")))
                .hint("look at their logs; `kill -HUP` or `POST /api/admin/keys/reload` has them look again"),
            );
        }
        if !told.rejected.is_empty() {
            problems.push(
                Problem::error("rejected", format!("`{}` is rejected by its provider", key.name))
                    .why(format!("seen by {}", told.rejected.join(", ")))
                    .hint(format!("ultra keys verify {0} --profile {1}; ultra keys rollback {0} --profile {1}", key.name, desk.profile())),
            );
        }
    }
    problems
}

/// Keys that were issued for this vault and that it does not know. Unless it is `sure` that servers
/// have no other vault, they may be in use: nobody is told to delete them then.
fn orphans(patient: &Patient<'_>, overview: &Overview, sure: bool) -> Vec<Row> {
    let desk = patient.desk;
    let Some(index) = &overview.index else { return Vec::new() };
    let mut rows = Vec::new();
    for key in names::all(desk.resolution, overview).iter().filter(|key| key.kind == Kind::Provider)
    {
        let admin = catalogue::all().filter(|spec| spec.operator);
        let reachable = admin.into_iter().all(|spec| within_reach(patient, spec.name));
        if !reachable {
            return vec![Row::skip(LOOK, "an admin key is in the vault; `--open` looks")];
        }
        let issuer = match issuing::issuer(desk, key) {
            Ok(Some(issuer)) => issuer,
            Ok(None) => continue,
            Err(fault) => {
                rows.push(Row::fault(LOOK, fault));
                continue;
            }
        };
        let listed = {
            let _progress =
                desk.console.progress(&format!("asking {} for its keys", issuer.name()));
            issuer.list()
        };
        let remotes = match listed {
            Ok(remotes) => remotes,
            Err(error) => {
                rows.push(unlisted(issuer.name(), &error));
                continue;
            }
        };
        let ours = format!("ultra/{}/", index.vault);
        let ours: Vec<_> =
            remotes.iter().filter(|r| r.active && r.name.starts_with(&ours)).collect();
        let problems = ours
            .iter()
            .filter(|remote| !known(overview, &remote.name, &remote.remote))
            .map(|remote| {
                Problem::error(
                    "orphan",
                    format!("{} has a key that the vault does not know", issuer.name()),
                )
                .why(format!("it was made as `{}` and works", remote.name.escape_debug()))
                .hint(match sure {
                    true => format!("delete it at the provider{}", called(&remote.remote)),
                    false => format!(
                        "servers may use it{}: see `published` above, and with \
                         `ultra keys doctor --open`, before it is deleted at the provider",
                        called(&remote.remote)
                    ),
                })
            })
            .collect();
        rows.push(Row::of(
            LOOK,
            format!(
                "{}: {} of this vault, all known",
                issuer.name(),
                words::count(ours.len(), "key")
            ),
            problems,
        ));
    }
    if rows.is_empty() {
        rows.push(Row::skip(LOOK, "there is no admin key to ask with"));
    }
    rows
}

const LOOK: &str = "orphans";

fn called(remote: &Remote) -> String {
    let ids = [&remote.project, &remote.account, &remote.key];
    let ids: Vec<&str> = ids.into_iter().filter_map(|id| id.as_deref()).collect();
    if ids.is_empty() { String::new() } else { format!(": {}", ids.join(" / ").escape_debug()) }
}

fn unlisted(issuer: &str, error: &IssuerError) -> Row {
    let problem =
        Problem::error("not-listed", format!("{issuer} does not list its keys")).why(error);
    match error {
        IssuerError::Refused { .. } => {
            Row::of(
                LOOK,
                "",
                vec![problem.hint(format!(
                    "replace the admin key: `ultra keys set {issuer}-admin --replace`"
                ))],
            )
        }
        _ => Row::unknown(LOOK, vec![problem.hint("run the command again later")]),
    }
}

/// Whether the key is one of a version that the vault has and has not ended.
fn known(overview: &Overview, tag: &str, remote: &Remote) -> bool {
    overview.entries.iter().any(|(key, entry)| {
        entry.versions.iter().filter(|v| v.state != State::Disabled).any(|version| {
            let same = version.remote.as_ref().is_some_and(|known| {
                (known.key.is_some() && known.key == remote.key)
                    || (known.account.is_some() && known.account == remote.account)
            });
            same || key.split_once('/').is_some_and(|(profile, name)| {
                version.remote.is_none()
                    && tag.ends_with(&format!(
                        "/{}/v{}",
                        Document::key(profile, name),
                        version.number
                    ))
            })
        })
    })
}
