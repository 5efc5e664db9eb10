//! One profile file as it stands, before `extends` is followed.

use super::policy::PolicyPatch;
use super::reader::Reader;
use super::sections;
use crate::base::file;
use crate::report::{Place, Problem};
use crate::settings::Workspace;
use crate::settings::catalogue;
use crate::settings::profile::{Mode, ProviderSpec, RouteSpec, SecretReference};
use crate::settings::secretish::name_for_message;
use crate::settings::yaml::{self, Data, Node};
use crate::settings::{dotenv, profile_names};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The largest profile file that is read.
const LIMIT: u64 = 1 << 20;

/// The keys of a profile.
const KEYS: &[&str] =
    &["extends", "protected", "mode", "vars", "secrets", "providers", "routes", "policy"];

/// A variable that a profile gives a value.
pub(crate) struct SaidVariable {
    /// Its name, as it was written.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// Where its value stands; the built-in profiles stand nowhere.
    pub(crate) place: Option<Place>,
    /// Where its name stands.
    pub(crate) name_place: Option<Place>,
}

/// A profile file as it stands.
pub(crate) struct Document {
    /// The file; `None` for a built-in profile.
    pub(crate) place: Option<Place>,
    /// The profile that this one starts from, and where it is named.
    pub(crate) extends: Option<(String, Place)>,
    /// Whether it says that it is protected.
    pub(crate) protected: Option<bool>,
    /// The mode, and where it is named.
    pub(crate) mode: Option<(Mode, Place)>,
    /// Plain values.
    pub(crate) vars: Vec<SaidVariable>,
    /// References to secrets, by variable, with their places.
    pub(crate) secrets: Vec<(String, SecretReference, Place)>,
    /// Providers by name.
    pub(crate) providers: BTreeMap<String, ProviderSpec>,
    /// Routes by model name.
    pub(crate) routes: BTreeMap<String, RouteSpec>,
    /// What it says of the policy.
    pub(crate) policy: PolicyPatch,
    /// Whether it says nothing at all: no text, comments only.
    empty: bool,
}

impl Document {
    /// Reads the profile of this canonical name: its file, or else the built-in one. `None` if
    /// there is neither, or it cannot be read at all, which is then among the problems.
    pub(crate) fn read(
        workspace: &Workspace,
        name: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let path = workspace.profile_path(name);
        if let Some(path) = path.filter(|_| profile_names::well_formed(name)) {
            let shown = workspace.shown(&path);
            match read_text(&path, &shown) {
                Ok(Some(text)) => {
                    let mut document = Self::parse(&shown, &text, problems)?;
                    if document.empty {
                        problems.push(says_nothing(&shown));
                    }
                    document.place = Some(Place::file(shown));
                    return Some(document);
                }
                Ok(None) => {}
                Err(problem) => {
                    problems.push(*problem);
                    return None;
                }
            }
        }
        let text = profile_names::built_in(name)?;
        let mut document = Self::parse(Path::new(&format!("built-in {name}")), text, problems)?;
        for variable in &mut document.vars {
            variable.place = None;
            variable.name_place = None;
        }
        Some(document)
    }

    /// Reads a profile from its text.
    pub(crate) fn parse(file: &Path, text: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let root = match yaml::parse(file, text, problems) {
            Ok(root) => root,
            Err(problem) => {
                problems.push(*problem);
                return None;
            }
        };
        let mut document = Self {
            place: None,
            extends: None,
            protected: None,
            mode: None,
            vars: Vec::new(),
            secrets: Vec::new(),
            providers: BTreeMap::new(),
            routes: BTreeMap::new(),
            policy: PolicyPatch::default(),
            empty: match &root.data {
                Data::Null => true,
                Data::Map(entries) => entries.is_empty(),
                _ => false,
            },
        };
        let mut reader = Reader { problems };
        for (key, node) in reader.fields(root, "a profile", KEYS) {
            let place = node.place.clone();
            match key {
                "extends" => document.extends = reader.name(node, "`extends`").map(|n| (n, place)),
                "protected" => document.protected = reader.boolean(&node, "`protected`"),
                "mode" => document.mode = reader.value(node, "`mode`").map(|mode| (mode, place)),
                "vars" => document.vars = vars(&mut reader, node),
                "secrets" => document.secrets = secrets(&mut reader, node),
                "providers" => document.providers = sections::providers(&mut reader, node),
                "routes" => document.routes = sections::routes(&mut reader, node),
                "policy" => document.policy = PolicyPatch::read(&mut reader, node),
                _ => {}
            }
        }
        Some(document)
    }
}

/// The code of the warning that a profile file says nothing: fine for one that was written so, and
/// for a running server a sign that something happened to the file.
pub(crate) const EMPTY: &str = "empty-profile";

fn says_nothing(shown: &Path) -> Problem {
    Problem::warning(EMPTY, format!("the profile `{}` says nothing", shown.display()))
        .at(Place::file(shown))
        .why("the file is empty, or holds comments only: everything is as it is without a profile")
}

fn read_text(path: &Path, shown: &Path) -> Result<Option<String>, Box<Problem>> {
    let what = || format!("cannot read the profile `{}`", shown.display());
    let problem =
        |why: &str| Problem::error("unreadable-profile", what()).at(Place::file(shown)).why(why);
    let bytes = match file::read_bounded(path, LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) if path.is_symlink() => {
            let problem = problem("it is a link to a file that is not there");
            return Err(Box::new(problem.hint("let it lead to a profile, or remove it")));
        }
        Ok(None) => return Ok(None),
        Err(e) => {
            let unreadable = Problem::unreadable(what(), shown, &e);
            let large = (e.kind() == io::ErrorKind::FileTooLarge)
                .then(|| "a profile is small; move away what is none".to_owned());
            let code = "unreadable-profile";
            return Err(Box::new(Problem { code, ..unreadable }.maybe_hint(large)));
        }
    };
    String::from_utf8(bytes).map(Some).map_err(|e| {
        let (line, column) = dotenv::position(e.as_bytes(), e.utf8_error().valid_up_to());
        Box::new(problem("it is not UTF-8").at(Place::at(shown, line, column)))
    })
}

/// Plain values: scalars only. A catalogued secret must not stand here.
fn vars(reader: &mut Reader<'_>, node: Node) -> Vec<SaidVariable> {
    let mut vars = Vec::new();
    for (key, value) in reader.entries(node, "`vars`") {
        if !dotenv::is_name(&key.text) {
            reader.problems.push(bad_name(&key.text, key.place));
            continue;
        }
        let name = key.text;
        let spec = catalogue::find(&name).or_else(|| catalogue::find_alias(&name).map(|(s, _)| s));
        if let Some(spec) = spec.filter(|spec| spec.secret) {
            reader.problems.push(
                Problem::error(
                    "literal-secret",
                    format!("`{name}` is a secret and stands in `vars`"),
                )
                .at(value.place)
                .why("profiles are shared; a secret never stands in one")
                .hint(move_to_secrets(spec.name, spec.vault)),
            );
            continue;
        }
        let text = match value.data {
            Data::Text(text) | Data::Number(text) => text,
            Data::Bool(value) => value.to_string(),
            other => {
                reader.problems.push(
                    Problem::error(
                        "wrong-type",
                        format!("`{name}` must be a text, a number or a boolean"),
                    )
                    .at(value.place)
                    .why(format!("found {}", other.describe())),
                );
                continue;
            }
        };
        if text.contains('\0') {
            reader.problems.push(
                Problem::error("nul", format!("the value of `{name}` holds a NUL byte"))
                    .at(value.place)
                    .why("no process and no file of variables can hold one"),
            );
            continue;
        }
        let (place, name_place) = (Some(value.place), Some(key.place));
        vars.push(SaidVariable { name, text, place, name_place });
    }
    vars
}

fn move_to_secrets(name: &str, vault: Option<&str>) -> String {
    match vault {
        Some(entry) => format!("take it out, then `ultra keys set {entry}`"),
        None => format!("name its source in `secrets:`, such as `{name}: env:{name}`"),
    }
}

fn bad_name(name: &str, place: Place) -> Problem {
    Problem::error("bad-name", format!("{} is no name of a variable", name_for_message(name)))
        .at(place)
        .why("a name has letters, digits and `_`, and does not begin with a digit")
}

/// References to secrets. What is no reference may be the secret itself and is never shown.
fn secrets(reader: &mut Reader<'_>, node: Node) -> Vec<(String, SecretReference, Place)> {
    let mut secrets = Vec::new();
    for (key, value) in reader.entries(node, "`secrets`") {
        if !dotenv::is_name(&key.text) {
            reader.problems.push(bad_name(&key.text, key.place));
            continue;
        }
        let name = key.text;
        if let Some(spec) = catalogue::find(&name).filter(|spec| !spec.secret) {
            reader.problems.push(
                Problem::error("no-secret", format!("`{name}` is no secret"))
                    .at(key.place)
                    .hint(format!("give its value in `vars:`, as `{}: …`", spec.name)),
            );
            continue;
        }
        let place = value.place.clone();
        let Some(text) = reader.text(value, &format!("the reference of `{name}`")) else {
            continue;
        };
        match SecretReference::parse(&text) {
            Some(reference) => secrets.push((name, reference, place)),
            None => reader.problems.push(
                Problem::error(
                    "literal-secret",
                    format!("`{name}` has a value that is no reference"),
                )
                .at(place)
                .why("expected `vault:NAME`, `vault:PROFILE/NAME`, `file:PATH` or `env:NAME`")
                .hint("if it is the secret itself, take it out and replace it: it is known now"),
            ),
        }
    }
    secrets
}
