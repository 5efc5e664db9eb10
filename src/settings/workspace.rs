//! Phase one: where we are and which profile is meant, before any profile or dotenv file is read.

use super::environment::Environment;
use super::profile::canonical;
use super::root::{self, RootSource};
use super::switch_record::{self, SwitchRecord};
use super::{catalogue, git, profile_names, secretish, state_dir, value::Value as _};
use crate::base::{Clock, near, state_mark};
use crate::exit::ExitStatus;
use crate::report::{Fault, Place, Problem};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the command line says, in terms of the catalogue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--profile`.
    pub(crate) profile: Option<String>,
    /// `--dir`.
    pub(crate) dir: Option<PathBuf>,
    /// Variables that flags of the subcommand set, such as `--port` → `ULTRA_PORT`.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// `--file`: further dotenv files, the last one strongest; relative to the current directory.
    pub(crate) files: Vec<PathBuf>,
}

/// Who decided which profile is in use, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProfileSource {
    /// `--profile`.
    Flag,
    /// `ULTRA_PROFILE` or its alias `ENVIRONMENT`.
    Environment,
    /// The switch record in the state directory.
    SwitchRecord,
    /// Nobody: `dev`.
    Default,
}

impl ProfileSource {
    /// Who that is, in words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Flag => "`--profile`",
            Self::Environment => "the process environment",
            Self::SwitchRecord => "the last `ultra env switch`",
            Self::Default => "nobody; `dev` is the default",
        }
    }
}

/// Somebody's say about which profile is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    /// Who says so.
    pub(crate) source: ProfileSource,
    /// The canonical name.
    pub(crate) profile: String,
}

/// Where a command works: root, state directory, profile.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// The process environment.
    pub(crate) environment: Environment,
    /// What the command line says.
    pub(crate) flags: Flags,
    /// The directory the command was started in.
    pub(crate) current_dir: PathBuf,
    /// The root, if there is one.
    pub(crate) root: Option<PathBuf>,
    /// Who named the root.
    pub(crate) root_source: RootSource,
    /// The state directory; it need not exist yet. Before writing, call
    /// [`Workspace::prepare_state_dir`].
    pub(crate) state_dir: PathBuf,
    /// Whether `ULTRA_STATE_DIR` named the state directory.
    pub(crate) state_dir_named: bool,
    /// The profile in use: its canonical name. A name that came from a flag or the process
    /// environment is known; one from the switch record may meanwhile be gone.
    pub(crate) profile: String,
    /// Who decided so.
    pub(crate) profile_source: ProfileSource,
    /// Everybody who says something about the profile, highest first.
    pub(crate) claims: Vec<Claim>,
    /// The switch record, if there is one.
    pub(crate) switch_record: Option<SwitchRecord>,
    /// Whether `.env` is looked at as the `.env.local` that it is about to become
    /// (`env switch --adopt`).
    pub(crate) adopting: bool,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Workspace {
    /// Finds root, state directory and profile.
    ///
    /// # Errors
    /// A variable that decides one of them and is not UTF-8 (2), a root that does not exist (2) or belongs to somebody else (6), a state directory that is
    /// not this user's own (6), a profile that is unknown
    /// or missing where one is required (2), a switch record that is needed and damaged, or a
    /// current directory that was removed (5).
    pub(crate) fn discover(
        environment: Environment,
        flags: Flags,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let current_dir = std::env::current_dir().map_err(|e| {
            let why = match e.kind() {
                std::io::ErrorKind::NotFound => "it was removed".to_owned(),
                _ => e.to_string(),
            };
            Fault::unreachable(
                Problem::error("current-dir", "cannot tell the current directory")
                    .why(why)
                    .hint("cd to a directory that exists, such as `cd ~`"),
            )
        })?;
        Self::discover_in(current_dir, environment, flags, clock)
    }

    /// The same, started in `current_dir`.
    ///
    /// # Errors
    /// As [`Workspace::discover`].
    pub(crate) fn discover_in(
        current_dir: PathBuf,
        environment: Environment,
        flags: Flags,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        readable(&environment, &flags)?;
        let (root, root_source) = root::find(&current_dir, &environment, flags.dir.as_deref())?;
        let named = environment.get("ULTRA_STATE_DIR").filter(|v| !v.is_empty());
        let state_dir = match named {
            Some(path) => current_dir.join(path),
            None => root.as_deref().unwrap_or(&current_dir).join(".ultra"),
        };
        let state_dir_named = named.is_some();
        let around = root.as_deref().unwrap_or(&current_dir);
        if !state_dir_named {
            state_dir::came_with_the_project(around, root_source, &state_dir)?;
        } else {
            let usual = around.join(".ultra");
            // Whoever names the default place, in whatever words, says that it is his own.
            // Elsewhere nobody asks.
            if state_dir::is_same(&state_dir, &usual) {
                let _ = state_mark::adopt_state_dir(&usual);
            }
        }
        let mut workspace = Self {
            environment,
            flags,
            current_dir,
            root,
            root_source,
            state_dir,
            state_dir_named,
            profile: "dev".to_owned(),
            profile_source: ProfileSource::Default,
            claims: Vec::new(),
            switch_record: None,
            adopting: false,
            clock,
        };
        workspace.decide_profile()?;
        Ok(workspace)
    }

    fn decide_profile(&mut self) -> Result<(), Fault> {
        if let Some(name) = self.flags.profile.clone() {
            let profile = self.known_profile(&name)?;
            self.claims.push(Claim { source: ProfileSource::Flag, profile });
        }
        // What the process environment says matters even under a flag, as a disagreement to show,
        // but then it is no reason to stop.
        match self.profile_of_environment() {
            Ok(Some(profile)) => {
                self.claims.push(Claim { source: ProfileSource::Environment, profile });
            }
            Ok(None) => {}
            Err(fault) if self.claims.is_empty() => return Err(fault),
            Err(_) => {}
        }
        match switch_record::read(&self.state_dir) {
            Ok(record) => {
                if let Some(to) = record.as_ref().and_then(|record| record.to.as_deref()) {
                    let profile = canonical(to).to_owned();
                    self.claims.push(Claim { source: ProfileSource::SwitchRecord, profile });
                }
                self.switch_record = record;
            }
            Err(problem) if self.claims.is_empty() => return Err(Fault::unreachable(problem)),
            Err(_) => {}
        }
        if let Some(first) = self.claims.first() {
            self.profile.clone_from(&first.profile);
            self.profile_source = first.source;
        } else if self.profile_required()? {
            return Err(Fault::usage(
                Problem::error("profile-required", "no profile is named")
                    .why("`ULTRA_PROFILE_REQUIRED` is set, so that nothing runs under `dev` by accident")
                    .hint("set `ULTRA_PROFILE=prod`, or pass `--profile prod`"),
            ));
        }
        Ok(())
    }

    /// What `ULTRA_PROFILE` and its alias `ENVIRONMENT` say; an empty one says nothing.
    fn profile_of_environment(&self) -> Result<Option<String>, Fault> {
        let said = |name: &'static str| {
            self.environment.get(name).filter(|v| !v.is_empty()).map(|v| (name, v.to_owned()))
        };
        let alias = Some("ENVIRONMENT").filter(|name| !self.environment.is_applications(name));
        let (first, second) = (said("ULTRA_PROFILE"), alias.and_then(said));
        if let (Some((_, a)), Some((_, b))) = (&first, &second)
            && canonical(a) != canonical(b)
        {
            return Err(Fault::usage(
                Problem::error(
                    "aliases-disagree",
                    "`ULTRA_PROFILE` and its alias `ENVIRONMENT` name different profiles",
                )
                .hint("unset `ENVIRONMENT`, or pass `--profile`"),
            ));
        }
        let Some((variable, name)) = first.or(second) else { return Ok(None) };
        self.known_profile(&name).map(Some).map_err(|mut fault| {
            for problem in &mut fault.problems {
                problem.why = Some(format!("`{variable}` names it"));
            }
            fault
        })
    }

    fn profile_required(&self) -> Result<bool, Fault> {
        match self.environment.get("ULTRA_PROFILE_REQUIRED").filter(|v| !v.is_empty()) {
            None => Ok(false),
            Some(text) => bool::parse(text).ok_or_else(|| {
                Fault::usage(
                    Problem::error("malformed-value", "`ULTRA_PROFILE_REQUIRED` is malformed")
                        .why("expected `true` or `false`"),
                )
            }),
        }
    }

    /// The canonical name of a profile that exists.
    ///
    /// # Errors
    /// An unknown profile (2), with the nearest name.
    pub(crate) fn known_profile(&self, name: &str) -> Result<String, Fault> {
        let wanted = canonical(name);
        if self.profile_exists(wanted) {
            return Ok(wanted.to_owned());
        }
        let names = self.profile_names();
        Err(Fault::new(
            ExitStatus::Usage,
            vec![
                Problem::error(
                    "unknown-profile",
                    format!("unknown profile {}", secretish::name_for_message(name)),
                )
                .maybe_hint(near::hint(wanted, names.iter().map(String::as_str))),
            ],
        ))
    }

    /// Whether there is a profile of this canonical name: a file, readable or not, or a built-in one.
    pub(crate) fn profile_exists(&self, name: &str) -> bool {
        profile_names::well_formed(name)
            && (profile_names::built_in(name).is_some()
                || self.profile_path(name).is_some_and(|path| profile_names::taken(&path)))
    }

    /// All profiles by name: the files of the root and the built-in ones.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        profile_names::all(self.profiles_dir().as_deref())
    }

    /// The directory of the profile files, if there is a root.
    pub(crate) fn profiles_dir(&self) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("profiles"))
    }

    /// Where the file of this profile stands, or would stand.
    pub(crate) fn profile_path(&self, name: &str) -> Option<PathBuf> {
        self.profiles_dir().map(|dir| dir.join(format!("{name}.yaml")))
    }

    /// The directory whose dotenv files are layers: the root, or without one the current
    /// directory; `None` if that or a dotenv file in it belongs to somebody else.
    pub(crate) fn dotenv_dir(&self) -> Option<&Path> {
        match &self.root {
            Some(root) => Some(root),
            None => root::foreign_dotenv(&self.current_dir).is_none().then_some(&*self.current_dir),
        }
    }

    /// The top of the checkout around a directory, which is a real path.
    pub(super) fn checkout_around<'a>(&self, dir: &'a Path) -> &'a Path {
        let home = self.environment.get("HOME").map(Path::new).filter(|home| home.is_absolute());
        let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
        git::around(dir, home.as_deref())
    }

    /// Why [`Self::dotenv_dir`] is `None`, what belongs to somebody else and the way out.
    pub(crate) fn no_dotenv_dir(&self, of: Problem) -> Problem {
        let Some(foreign) = root::foreign_dotenv(&self.current_dir) else { return of };
        let why = match foreign == self.current_dir {
            true => "the directory belongs to another user",
            false => "it belongs to another user, and others may write in this directory",
        };
        of.at(Place::file(self.shown(&foreign))).why(why).hint("if you trust it, pass `--dir .`")
    }

    /// `path` as the operator would name it: relative to the current directory if it is below.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.current_dir) {
            Ok(rest) if !rest.as_os_str().is_empty() => rest.to_owned(),
            _ => path.to_owned(),
        }
    }

    /// A line for stderr if the root is another than the current directory.
    pub(crate) fn root_note(&self) -> Option<String> {
        self.root
            .as_ref()
            .filter(|root| **root != self.current_dir)
            .map(|root| format!("root: {}", root.display()))
    }

    /// What disagrees with the profile in use, as a warning.
    pub(crate) fn disagreement(&self) -> Option<Problem> {
        let other = self.claims.iter().find(|claim| claim.profile != self.profile)?;
        Some(
            Problem::warning(
                "profile-disagreement",
                format!(
                    "{} says `{}`, {} says `{}`",
                    self.profile_source.describe(),
                    self.profile,
                    other.source.describe(),
                    other.profile
                ),
            )
            .why("the first of `--profile`, `ULTRA_PROFILE`, the switch record wins"),
        )
    }
}

/// Whether everything that the process environment says of where we are can be read. What cannot
/// is told at once: nothing else may count in its place.
///
/// # Errors
/// A variable that is not UTF-8 (2).
fn readable(environment: &Environment, flags: &Flags) -> Result<(), Fault> {
    let counts = |name: &&str| match catalogue::find(name)
        .or_else(|| catalogue::find_alias(name).map(|(spec, _)| spec))
    {
        Some(spec) if spec.name == "ULTRA_PROFILE" => flags.profile.is_none(),
        Some(spec) if spec.name == "ULTRA_DIR" => flags.dir.is_none(),
        Some(spec) => spec.bootstrap && spec.name != "NO_COLOR",
        None => false,
    };
    let problems: Vec<Problem> = environment
        .broken()
        .map(|(name, _)| name)
        .filter(counts)
        .map(|name| {
            Problem::error("not-utf8", format!("`{name}` in the process environment is not UTF-8"))
                .hint(format!("set it to a text, or: unset {name}"))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::new(ExitStatus::Usage, problems)) }
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;
