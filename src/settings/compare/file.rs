//! A file by itself as a side: dotenv, or YAML (a profile, or names with values).

use super::side::{Exact, Held, Side, SideKind, exact};
use crate::base::{Secret, file};
use crate::report::{Fault, Place, Problem};
use crate::settings::catalogue;
use crate::settings::names::{self, Meaning};
use crate::settings::origin::{Layer, Origin};
use crate::settings::profile::SecretReference;
use crate::settings::profile_file::Document;
use crate::settings::secret::{SecretRef, SecretSource, ValueRef};
use crate::settings::yaml::{self, Data};
use crate::settings::{Workspace, dotenv, secretish};
use std::collections::BTreeMap;
use std::path::Path;

/// The largest YAML file that is read.
const YAML_LIMIT: u64 = 1 << 20;

/// Keys by which a YAML file is known to be a profile.
const OF_PROFILE: &[&str] = &["extends", "vars", "secrets", "providers", "routes", "policy"];

/// One assignment of a file. It has no `Debug`: it may be a secret.
struct Said {
    name: String,
    value: ValueRef,
    place: Option<Place>,
    /// Whether a secret went into it.
    secret: bool,
}

/// The file at `path` as a side, and what is worth knowing about it.
///
/// # Errors
/// No such file (2); it cannot be read: a directory, a pipe, a circle of links, no permission (5);
/// it cannot be understood (3, with every problem).
pub(crate) fn of_file(
    path: &Path,
    label: &str,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<(Side, Vec<Problem>), Fault> {
    let shown = workspace.shown(path);
    let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    let limit = if yaml { YAML_LIMIT } else { dotenv::LIMIT };
    let bytes = file::read_bounded(path, limit)
        .map_err(|e| {
            let what = format!("cannot read `{}`", label.escape_debug());
            Fault::unreachable(Problem::unreadable_named(what, &shown, &e))
        })?
        .ok_or_else(|| {
            Fault::usage(
                Problem::error("no-file", format!("there is no file `{}`", label.escape_debug()))
                    .hint("`ultra env list` names the profiles"),
            )
        })?;
    let mut problems = Vec::new();
    let said = if yaml {
        from_yaml(path, &shown, &bytes, workspace, &mut problems)
    } else {
        from_dotenv(&shown, &bytes, workspace, &mut problems)
    };
    let held = absorb(said, workspace, secrets, &mut problems);
    if problems.iter().any(Problem::is_error) {
        return Err(Fault::does_not_hold(problems));
    }
    let prints = secrets.fingerprint_key_id().ok().flatten();
    let label = label.to_owned();
    Ok((Side { kind: SideKind::File, label, held, structure: None, prints }, problems))
}

fn from_dotenv(
    shown: &Path,
    bytes: &[u8],
    workspace: &Workspace,
    problems: &mut Vec<Problem>,
) -> Vec<Said> {
    let document = dotenv::parse(shown, bytes, problems);
    let outside = dotenv::Outside {
        first: &|name| workspace.environment.get(name).map(str::to_owned),
        last: &|_| None,
        secret: &|name| {
            catalogue::find(name).map_or_else(|| secretish::name(name), |spec| spec.secret)
        },
    };
    dotenv::expand(&document, &outside, problems)
        .into_iter()
        .map(|entry| Said {
            secret: entry.secret,
            name: entry.name,
            value: ValueRef::Text(entry.text),
            place: Some(entry.place),
        })
        .collect()
}

fn from_yaml(
    path: &Path,
    shown: &Path,
    bytes: &[u8],
    workspace: &Workspace,
    problems: &mut Vec<Problem>,
) -> Vec<Said> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        other => {
            let at =
                other.map_or_else(|e| e.valid_up_to(), |text| text.find('\0').unwrap_or_default());
            let (line, column) = dotenv::position(bytes, at);
            let what = if other.is_ok() { "a NUL byte" } else { "not UTF-8" };
            problems.push(Problem::error("not-text", what).at(Place::at(shown, line, column)));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    let root = match yaml::parse(shown, text, &mut found) {
        Ok(root) => root,
        Err(problem) => {
            problems.push(*problem);
            return Vec::new();
        }
    };
    let Data::Map(fields) = root.data else {
        problems.push(
            Problem::error("wrong-type", "the file holds no names with values")
                .at(root.place)
                .why(format!("found {}", root.data.describe())),
        );
        return Vec::new();
    };
    if fields.iter().any(|(key, _)| OF_PROFILE.contains(&key.text.as_str())) {
        return from_profile(path, shown, text, workspace, problems);
    }
    problems.append(&mut found);
    let mut said = Vec::new();
    for (key, node) in fields {
        let value = match node.data {
            Data::Text(text) | Data::Number(text) => text,
            Data::Bool(value) => value.to_string(),
            Data::Null => String::new(),
            other => {
                let name = secretish::name_for_message(&key.text);
                problems.push(
                    Problem::error("wrong-type", format!("{name} is no text, number or boolean"))
                        .at(node.place)
                        .why(format!("found {}", other.describe())),
                );
                continue;
            }
        };
        if dotenv::is_name(&key.text) {
            let value = ValueRef::Text(value);
            said.push(Said { name: key.text, value, place: Some(node.place), secret: false });
        } else {
            let name = secretish::name_for_message(&key.text);
            problems.push(
                Problem::error("bad-name", format!("{name} is no name of a variable"))
                    .at(key.place),
            );
        }
    }
    said
}

/// A profile file as it stands: what it extends is not followed.
fn from_profile(
    path: &Path,
    shown: &Path,
    text: &str,
    workspace: &Workspace,
    problems: &mut Vec<Problem>,
) -> Vec<Said> {
    let Some(document) = Document::parse(shown, text, problems) else { return Vec::new() };
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    if let Some((base, place)) = &document.extends {
        let base = secretish::name_for_message(base);
        problems.push(
            Problem::warning("extends-not-followed", format!("what {base} gives is left out"))
                .at(place.clone())
                .why("a file is compared as it stands")
                .hint(format!("compare the profile: `{stem}` instead of the file")),
        );
    }
    let mode = document.mode.map(|(mode, place)| Said {
        name: "ULTRA_MODE".to_owned(),
        value: ValueRef::Text(mode.word().to_owned()),
        place: Some(place),
        secret: false,
    });
    let vars = document.vars.into_iter().map(|said| Said {
        name: said.name,
        value: ValueRef::Text(said.text),
        place: said.place,
        secret: false,
    });
    let secrets = document.secrets.into_iter().filter_map(|(name, reference, place)| {
        let value = match reference {
            SecretReference::Vault { profile, name } => {
                ValueRef::Vault { profile: profile.unwrap_or_else(|| stem.to_owned()), name }
            }
            SecretReference::File(file) => {
                ValueRef::File(workspace.dotenv_dir().unwrap_or(Path::new("")).join(file))
            }
            SecretReference::Env(name) => {
                ValueRef::Literal(Secret::new(workspace.environment.get(&name)?))
            }
        };
        Some(Said { name, value, place: Some(place), secret: true })
    });
    mode.into_iter().chain(vars).chain(secrets).collect()
}

/// What is said by the variables' own names: aliases converted, files of secrets read.
fn absorb(
    all: Vec<Said>,
    workspace: &Workspace,
    secrets: &dyn SecretSource,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Held> {
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    for mut said in all {
        let (name, declared) = match names::meaning(&said.name) {
            Meaning::Variable(spec) | Meaning::FileOf(spec) if spec.bootstrap => continue,
            Meaning::Variable(spec) => (spec.name, spec.secret),
            Meaning::FileOf(spec) => {
                if let ValueRef::Text(path) = &said.value {
                    let base = workspace.dotenv_dir().unwrap_or(Path::new(""));
                    said.value = ValueRef::File(base.join(path));
                }
                (spec.name, true)
            }
            Meaning::Alias(spec, alias) => {
                if spec.bootstrap {
                    continue;
                }
                if let ValueRef::Text(text) = &said.value {
                    match (alias.convert)(text) {
                        Some(text) => said.value = ValueRef::Text(text),
                        None => {
                            let what = format!(
                                "`{}` has no value that `{}` could take",
                                alias.name, spec.name
                            );
                            problems.push(
                                Problem::error("malformed-value", what)
                                    .at(said.place)
                                    .why(format!("expected {}", spec.kind.expected())),
                            );
                            continue;
                        }
                    }
                }
                (spec.name, spec.secret)
            }
            Meaning::UnknownOurs | Meaning::Foreign => (said.name.as_str(), false),
        };
        let name = name.to_owned();
        // An empty secret counts as unset.
        if declared && said.value.is_empty() {
            continue;
        }
        let alias = catalogue::find_alias(&said.name).map(|_| said.name.clone());
        // The variable's own name before its aliases.
        if alias.is_some() && held.contains_key(&name) {
            continue;
        }
        let one = Held { written_as: alias, ..hold(&name, declared, said, secrets) };
        held.insert(name, one);
    }
    held
}

fn hold(name: &str, declared: bool, said: Said, secrets: &dyn SecretSource) -> Held {
    let from = said.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let known = catalogue::find(name).is_some();
    match said.value {
        ValueRef::Text(text) => {
            let by_looks = if known {
                secretish::value(&text)
            } else {
                secretish::name(name) || secretish::perhaps(&text)
            };
            if declared || said.secret || by_looks {
                Held::hidden(Exact::Open(Secret::new(text)), from)
            } else {
                Held::text(text, from)
            }
        }
        value => {
            let origin = Origin::of(Layer::Profile);
            let secret = SecretRef { name: name.to_owned(), value, origin, by_root: true };
            Held::hidden(exact(&secret, secrets), from)
        }
    }
}
