//! Trust in a root: a cloned repository's profiles could name a secret of this machine, and they
//! and its dotenv files an address of their own. Until the user has seen what goes where and
//! agreed, references of these files (`vault:openai`, `NAME_FILE`, a key that takes in another
//! variable) resolve to nothing, and so does a key that would go to
//! an address that the root's files name, wherever the key itself comes from. No command gets such
//! an address, for its own key may be in its environment, nor a variable of the root's files that is
//! known to make programs run code or send what they send by another way.
//!
//! Agreement is kept per user and root as a digest of all references, base URLs and such variables,
//! and of which profiles take these in by `extends`, outside the root: in `$XDG_CONFIG_HOME/ultra/trust.json`, else `$HOME/.config/ultra/trust.json`. Any
//! change of these asks again, but that references and addresses were taken away and nothing goes
//! elsewhere for that: a provider that is no good any more is not kept in use by a question.

use super::catalogue;
use super::dotenv;
use super::environment::Environment;
use super::profile::PROMPTS;
use crate::base::lock::Lock;
use crate::base::{Timestamp, file, leftover};
use crate::report::{Place, Problem};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest list of trusted roots that is read.
const LIMIT: u64 = 4 << 20;

/// A reference to a secret in a profile or a dotenv file of the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Wanted {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// The dotenv file that says it; `None` for the profile's own file.
    pub(crate) file: Option<String>,
    /// The variable that would hold the secret.
    pub(crate) variable: String,
    /// The reference as it is written, such as `vault:openai`; `file:PATH` for a `NAME_FILE`, the
    /// path as [`dotenv::spelled`] writes it; for a value that takes in others, these:
    /// `${GITHUB_TOKEN}`.
    #[serde(serialize_with = "told")]
    pub(crate) reference: String,
    /// The path of a `NAME_FILE` in this environment, as far as it can be agreed to; of `env:NAME`
    /// for a variable that can make a command run code or send elsewhere, the value.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// Whether there is anything of the user's to take in: the process environment may lack these.
    #[serde(skip)]
    pub(crate) live: bool,
}

impl Wanted {
    /// Who says it: the profile or the dotenv file.
    pub(crate) fn said_by(&self) -> &str {
        self.file.as_deref().or(self.profile.as_deref()).unwrap_or("-")
    }
}

/// A base URL in a profile or a dotenv file of the root: where a secret may be sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Destination {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// The dotenv file that says it; `None` for the profile's own file.
    pub(crate) file: Option<String>,
    /// The provider or variable that it belongs to.
    pub(crate) name: String,
    /// The URL as it is written; in a dotenv file as [`dotenv::spelled`] writes it.
    #[serde(serialize_with = "told")]
    pub(crate) url: String,
    /// The URL in this environment, as far as it can be agreed to.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// The variables of the keys that are sent there, sorted; empty if none is.
    pub(crate) keys: Vec<String>,
}

impl Destination {
    /// Who says it: the profile or the dotenv file.
    pub(crate) fn said_by(&self) -> &str {
        self.file.as_deref().or(self.profile.as_deref()).unwrap_or("-")
    }
}

/// A variable in a profile or a dotenv file of the root that can make a command run code, or send
/// what it sends by another way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Hook {
    /// The profile; `None` for a dotenv file that counts under every profile.
    pub(crate) profile: Option<String>,
    /// Whether a dotenv file says it, and not the profile's own file.
    pub(crate) dotenv: bool,
    /// The variable.
    pub(crate) name: String,
    /// The digest of its value, as [`value_digest`]; in a dotenv file of what [`dotenv::spelled`]
    /// writes.
    pub(crate) value: String,
    /// The digest of its value in this environment, as far as it can be agreed to.
    #[serde(skip)]
    pub(crate) now: Option<String>,
    /// The value for people; described if it may be a secret.
    pub(crate) shown: String,
    /// Where it stands.
    pub(crate) place: String,
}

/// That a profile of the root takes in what another says: what was agreed to under that one's name
/// holds under this one's, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Extends {
    /// The profile.
    pub(crate) profile: String,
    /// The one that it extends.
    pub(crate) other: String,
    /// Where it says so.
    pub(crate) place: String,
}

fn told<S: serde::Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&dotenv::told(text))
}

/// A digest of a value, in hexadecimal.
pub(crate) fn value_digest(value: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(value))
}

/// Everything in the files of a root that trust is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Claims {
    /// Secrets that are asked for.
    pub(crate) wanted: BTreeSet<Wanted>,
    /// Addresses that they may be sent to.
    pub(crate) destinations: BTreeSet<Destination>,
    /// Variables that can make a command run code or send elsewhere what it sends.
    pub(crate) hooks: BTreeSet<Hook>,
    /// What other lines say of variables that addresses, paths of secrets and such variables take
    /// in: the environment may have it from there.
    pub(crate) taken_in: BTreeSet<Hook>,
    /// Which profiles extend which, as far as any of the above is said by either or by one further
    /// along.
    pub(crate) extends: BTreeSet<Extends>,
}

impl Claims {
    /// Whether there is nothing to agree to: no secret is wanted, no key sent anywhere, and
    /// no variable set that is known to make a command run code or to send by another way.
    fn harmless(&self) -> bool {
        !self.wanted.iter().any(|wanted| wanted.live)
            && self.hooks.is_empty()
            && !self.destinations.iter().any(|to| !to.keys.is_empty())
    }

    /// A digest of all of it.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        // Each part with its length, so that no two sets of claims run together to the same text.
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        for wanted in &self.wanted {
            // The dotenv file's name is left out: `.env` becomes `.env.local` when it is adopted.
            let kind = if wanted.file.is_some() { "dotenv-wanted" } else { "wanted" };
            let profile = wanted.profile.as_deref().unwrap_or("");
            let parts = [kind, profile, &wanted.variable, &wanted.reference];
            parts.into_iter().for_each(&mut add);
        }
        for to in &self.destinations {
            let kind = if to.file.is_some() { "dotenv" } else { "destination" };
            let keys = to.keys.join(",");
            let parts = [kind, to.profile.as_deref().unwrap_or(""), &to.name, &to.url, &keys];
            parts.into_iter().for_each(&mut add);
        }
        let hooks = self.hooks.iter().map(|hook| (["dotenv-hook", "hook"], hook));
        let taken_in = self.taken_in.iter().map(|said| (["dotenv-taken-in", "taken-in"], said));
        for ([of_dotenv, of_profile], hook) in hooks.chain(taken_in) {
            let kind = if hook.dotenv { of_dotenv } else { of_profile };
            let parts = [kind, hook.profile.as_deref().unwrap_or(""), &hook.name, &hook.value];
            parts.into_iter().for_each(&mut add);
        }
        for Extends { profile, other, .. } in &self.extends {
            ["extends", profile, other].into_iter().for_each(&mut add);
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

/// Whether the user has agreed to what the profiles of a root ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TrustStatus {
    /// They reference no secret, send no key anywhere and set no variable that is known to make a
    /// command run code or send elsewhere what it sends.
    NotNeeded,
    /// The user has agreed to exactly this.
    Trusted,
    /// The user was never asked.
    Unknown,
    /// References, addresses or variables that run code have changed since the user agreed.
    Changed,
}

impl TrustStatus {
    /// Whether references may be followed.
    pub(crate) fn may_resolve(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Trusted)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Store {
    schema: String,
    #[serde(default)]
    roots: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    digest: String,
    at: Timestamp,
    /// What may be taken away again; older versions wrote the digest alone.
    #[serde(default)]
    parts: Option<Parts>,
}

/// The parts of what was agreed to.
#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    wanted: Vec<Part>,
    destinations: Vec<Part>,
    /// A digest of all the rest, which has to stay as it is.
    rest: String,
}

/// A reference or an address.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    digest: String,
    /// The variables of the keys that it is about.
    keys: Vec<String>,
}

impl Parts {
    fn of(claims: &Claims) -> Self {
        let alone = |claims: Claims| claims.digest();
        let wanted = claims.wanted.iter().map(|wanted| Part {
            digest: alone(Claims { wanted: [wanted.clone()].into(), ..Claims::default() }),
            keys: vec![wanted.variable.clone()],
        });
        let destinations = claims.destinations.iter().map(|to| Part {
            digest: alone(Claims { destinations: [to.clone()].into(), ..Claims::default() }),
            keys: to.keys.clone(),
        });
        let rest = Claims {
            hooks: claims.hooks.clone(),
            taken_in: claims.taken_in.clone(),
            extends: claims.extends.clone(),
            ..Claims::default()
        };
        Self { wanted: wanted.collect(), destinations: destinations.collect(), rest: alone(rest) }
    }

    /// Whether `now` is the same but for what was taken away, and no key goes elsewhere for that:
    /// to an address that was meant for another value of it, or to the usual one of its provider.
    fn cover(&self, now: &Self) -> bool {
        let (Some(no_reference), Some(no_address)) =
            (gone(&self.wanted, &now.wanted), gone(&self.destinations, &now.destinations))
        else {
            return false;
        };
        let names = |parts: &[Part], key: &str| {
            parts.iter().flat_map(|part| &part.keys).any(|own| canonical(own) == canonical(key))
        };
        let usual = |key: &str| catalogue::find(canonical(key)).is_some();
        self.rest == now.rest
            && !no_reference.iter().any(|key| names(&now.destinations, key))
            // Which value an address that stays was agreed to for is not known here.
            && !no_address.iter().any(|key| {
                (*key != PROMPTS && names(&now.destinations, key))
                    || (usual(key) && names(&now.wanted, key))
            })
    }
}

/// The keys of the parts that are not there any more; `None` if there are others now.
fn gone<'a>(before: &'a [Part], now: &[Part]) -> Option<Vec<&'a str>> {
    let digests = |parts: &[Part]| -> BTreeSet<String> {
        parts.iter().map(|part| part.digest.clone()).collect()
    };
    let (had, has) = (digests(before), digests(now));
    has.is_subset(&had).then(|| {
        let gone = before.iter().filter(|part| !has.contains(&part.digest));
        gone.flat_map(|part| &part.keys).map(String::as_str).collect()
    })
}

/// The name of a variable that may be written as an alias.
fn canonical(name: &str) -> &str {
    catalogue::find_alias(name).map_or(name, |(spec, _)| spec.name)
}

const SCHEMA: &str = "ultra.trust/1";

/// Where this user's list stands; `None` if the environment names no home.
pub(crate) fn store_path(environment: &Environment) -> Option<PathBuf> {
    let absolute = |name: &str| {
        environment.get(name).map(Path::new).filter(|path| path.is_absolute()).map(Path::to_owned)
    };
    let config = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(config.join("ultra/trust.json"))
}

/// Whether the user has agreed to `claims` of `root`, according to the list at `store`.
///
/// # Errors
/// The list cannot be read or is damaged.
pub(crate) fn status(
    store: Option<&Path>,
    root: &Path,
    claims: &Claims,
) -> Result<TrustStatus, Problem> {
    if claims.harmless() {
        return Ok(TrustStatus::NotNeeded);
    }
    agreed(store, root, claims)
}

/// Whether the user has agreed to `claims` of `root`, also where there is nothing to take in now.
///
/// # Errors
/// As [`status`].
pub(crate) fn agreed(
    store: Option<&Path>,
    root: &Path,
    claims: &Claims,
) -> Result<TrustStatus, Problem> {
    let Some(store) = store else { return Ok(TrustStatus::Unknown) };
    Ok(match read(store)?.roots.get(&key(root)) {
        None => TrustStatus::Unknown,
        Some(entry) if entry.digest == claims.digest() => TrustStatus::Trusted,
        Some(Entry { parts: Some(parts), .. }) if parts.cover(&Parts::of(claims)) => {
            TrustStatus::Trusted
        }
        Some(_) => TrustStatus::Changed,
    })
}

/// Writes down that the user agrees to `claims` of `root`.
///
/// # Errors
/// The list cannot be read, locked or written.
pub(crate) fn grant(
    store: &Path,
    root: &Path,
    claims: &Claims,
    at: Timestamp,
) -> Result<(), Problem> {
    let unwritable = |e: io::Error| {
        Problem::error("trust-list", "cannot write the list of trusted roots")
            .at(Place::file(store))
            .why(e)
    };
    let folder = store.parent().unwrap_or(store);
    file::private_dir(folder).map_err(unwritable)?;
    let lock = folder.join("trust.lock");
    let _lock = Lock::take(&lock, "env trust", Duration::from_secs(5)).map_err(|e| {
        Problem::error("trust-list", "cannot write the list of trusted roots")
            .at(Place::file(store))
            .why(e)
    })?;
    leftover::sweep(folder);
    let mut list = read(store)?;
    list.schema = SCHEMA.to_owned();
    let entry = Entry { digest: claims.digest(), at, parts: Some(Parts::of(claims)) };
    list.roots.insert(key(root), entry);
    let mut bytes = serde_json::to_vec_pretty(&list).map_err(|e| unwritable(e.into()))?;
    bytes.push(b'\n');
    file::write_atomic(store, &bytes, file::PRIVATE).map_err(unwritable)
}

fn read(store: &Path) -> Result<Store, Problem> {
    let unreadable = |why: String| {
        Problem::error("trust-list", "cannot read the list of trusted roots")
            .at(Place::file(store))
            .why(why)
            .hint("put the file back from a backup, or remove it and run `ultra env trust` again")
    };
    match file::read_bounded(store, LIMIT).map_err(|e| unreadable(e.to_string()))? {
        None => Ok(Store::default()),
        Some(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| unreadable(format!("it is damaged at line {}", e.line()))),
    }
}

/// The root as a key: its real path, so that a link to it is the same root.
fn key(root: &Path) -> String {
    root.canonicalize().unwrap_or_else(|_| root.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(url: &str) -> Claims {
        Claims {
            wanted: [Wanted {
                profile: Some("prod".to_owned()),
                file: None,
                variable: "OPENAI_API_KEY".to_owned(),
                reference: "vault:openai".to_owned(),
                now: None,
                live: true,
            }]
            .into(),
            destinations: [Destination {
                profile: Some("prod".to_owned()),
                file: None,
                name: "openai".to_owned(),
                url: url.to_owned(),
                now: None,
                keys: vec!["OPENAI_API_KEY".to_owned()],
            }]
            .into(),
            ..Claims::default()
        }
    }

    #[test]
    fn trust_is_for_exactly_what_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("conf/ultra/trust.json");
        let root = dir.path();
        let (mine, theirs) = (claims("https://a.example"), claims("https://b.example"));
        let ask = |claims: &Claims| status(Some(&store), root, claims).unwrap();
        assert_eq!(ask(&mine), TrustStatus::Unknown);
        assert_eq!(ask(&Claims::default()), TrustStatus::NotNeeded);
        let address_only = Claims { wanted: BTreeSet::new(), ..mine.clone() };
        assert_eq!(ask(&address_only), TrustStatus::Unknown, "a key of the user's would go there");
        grant(&store, root, &mine, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(ask(&mine), TrustStatus::Trusted);
        assert_eq!(ask(&theirs), TrustStatus::Changed);
        assert_eq!(status(Some(&store), &root.join("conf"), &mine).unwrap(), TrustStatus::Unknown);
        assert!(!file::others_can_read(&store).unwrap());
        std::fs::write(&store, "{").unwrap();
        assert!(status(Some(&store), root, &mine).is_err());
    }

    #[test]
    fn what_is_taken_away_asks_again_only_if_a_key_goes_elsewhere_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let (store, root) = (dir.path().join("conf/ultra/trust.json"), dir.path());
        let wants = |variable: &str, reference: &str| Wanted {
            profile: Some("prod".to_owned()),
            file: None,
            variable: variable.to_owned(),
            reference: reference.to_owned(),
            now: None,
            live: true,
        };
        let sends = |name: &str, key: &str| Destination {
            profile: Some("prod".to_owned()),
            file: None,
            name: name.to_owned(),
            url: format!("https://{name}.example"),
            now: None,
            keys: vec![key.to_owned()],
        };
        let wanted = [wants("OPENAI_API_KEY", "vault:own"), wants("ACME_KEY", "vault:acme")];
        let to = [sends("openai", "OPENAI_API_KEY"), sends("acme", "ACME_KEY")];
        let hook = Hook {
            profile: None,
            dotenv: true,
            name: "HTTPS_PROXY".to_owned(),
            value: value_digest("x"),
            now: None,
            shown: "x".to_owned(),
            place: ".env:1".to_owned(),
        };
        let all = Claims {
            wanted: wanted.clone().into(),
            destinations: to.clone().into(),
            hooks: [hook].into(),
            ..Claims::default()
        };
        grant(&store, root, &all, Timestamp::UNIX_EPOCH).unwrap();
        let [own, acme] = wanted;
        let [to_openai, to_acme] = to;
        let asks = |wanted: &[&Wanted], to: &[&Destination]| {
            let claims = Claims {
                wanted: wanted.iter().map(|w| (*w).clone()).collect(),
                destinations: to.iter().map(|d| (*d).clone()).collect(),
                ..all.clone()
            };
            status(Some(&store), root, &claims).unwrap() == TrustStatus::Changed
        };
        assert!(!asks(&[&own, &acme], &[&to_openai, &to_acme]));
        assert!(!asks(&[&own], &[&to_openai]), "a provider with its key");
        assert!(!asks(&[&own, &acme], &[&to_openai]), "its key goes nowhere now");
        assert!(!asks(&[&acme], &[&to_acme]), "what is left of the other is as without a profile");
        assert!(asks(&[&acme], &[&to_openai, &to_acme]), "another key would go to that address");
        assert!(asks(&[&own, &acme], &[&to_acme]), "the key would go to the usual address");
        assert!(asks(&[&own], &[&to_openai, &sends("new", "ACME_KEY")]));
        // An address that stays may have been agreed to for another value.
        let two = Claims {
            wanted: [acme.clone()].into(),
            destinations: [to_acme.clone(), sends("base", "ACME_KEY")].into(),
            ..Claims::default()
        };
        let elsewhere = dir.path().join("conf/ultra/elsewhere.json");
        grant(&elsewhere, root, &two, Timestamp::UNIX_EPOCH).unwrap();
        let left = Claims { destinations: [sends("base", "ACME_KEY")].into(), ..two.clone() };
        assert_eq!(status(Some(&elsewhere), root, &left).unwrap(), TrustStatus::Changed);
        let bare = Claims { hooks: BTreeSet::new(), ..all.clone() };
        assert_eq!(status(Some(&store), root, &bare).unwrap(), TrustStatus::Changed);
        // As older versions wrote it.
        let entry = serde_json::json!({"digest": all.digest(), "at": "2026-01-01T00:00:00Z"});
        let list = serde_json::json!({"schema": SCHEMA, "roots": {key(root): entry}});
        std::fs::write(&store, list.to_string()).unwrap();
        assert!(!asks(&[&own, &acme], &[&to_openai, &to_acme]));
        assert!(asks(&[&own], &[&to_openai]));
    }

    #[test]
    fn the_digest_keeps_parts_apart() {
        let mut one = claims("https://a.example");
        let mut two = one.clone();
        one.wanted.insert(Wanted {
            profile: Some("a".into()),
            file: None,
            variable: "bc".into(),
            reference: "d".into(),
            now: None,
            live: true,
        });
        two.wanted.insert(Wanted {
            profile: Some("ab".into()),
            file: None,
            variable: "c".into(),
            reference: "d".into(),
            now: None,
            live: true,
        });
        assert_ne!(one.digest(), two.digest());
    }
}
