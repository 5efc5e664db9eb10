//! One decision for every entry of the file, and everything that is wrong with it at once.

use super::decision::{Decision, What};
use super::seeds;
use crate::commands::keys::{Desk, intake};
use crate::report::{Place, Problem};
use crate::settings::Layer;
use crate::settings::catalogue::VarSpec;
use crate::settings::dotenv::Expanded;
use crate::settings::names::{self, Meaning};
use crate::settings::profile::canonical;
use crate::settings::rules::placeholder::is_placeholder;
use crate::settings::secret::ValueRef;
use crate::settings::secretish;
use std::collections::BTreeMap;
use std::path::Path;

/// A decision, and what the entry says of which variable if it counts.
type Decided = (Decision, Option<(String, String)>);

/// What decisions are made by.
pub(super) struct Judge<'a> {
    /// The profile and its vault.
    pub(super) desk: &'a Desk<'a>,
    /// The layer of the file that values go into, if it is one.
    pub(super) layer: Option<Layer>,
    /// How the source is called in places.
    pub(super) source: &'a Path,
    /// Whether names that do nothing here stay, for the application.
    pub(super) keep_unused: bool,
    /// Whether names that `ultra` reads stay as they are, for the application.
    pub(super) keep_names: bool,
    /// Names that are left out.
    pub(super) except: &'a [String],
    /// Whether `--profile` named the profile.
    pub(super) explicit: bool,
}

impl Judge<'_> {
    /// Decides about every entry.
    pub(super) fn decide(
        &self,
        entries: Vec<Expanded>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Decision> {
        let mut decisions: Vec<Decision> = Vec::new();
        // By the name here, the entry that says it first, with what it says.
        let mut said: BTreeMap<String, (String, Place, String)> = BTreeMap::new();
        for entry in entries {
            let original = (entry.name.clone(), entry.place.clone());
            match self.one(entry) {
                Ok((mut decision, meaning)) => {
                    if let Some((variable, text)) = meaning {
                        match said.get(&variable) {
                            None => {
                                let first = (decision.name.clone(), decision.place.clone(), text);
                                said.insert(variable, first);
                            }
                            Some((name, place, other)) if *other == text => {
                                decision.what = What::Duplicate;
                                decision.why = Some(format!("`{name}` says the same, at {place}"));
                            }
                            Some((name, place, _)) => {
                                problems.push(conflict(&decision, name, place, &variable));
                            }
                        }
                    }
                    decisions.push(decision);
                }
                Err(problem) => problems.push((*problem).at(original.1)),
            }
        }
        for decision in &decisions {
            let Meaning::FileOf(spec) = names::meaning(&decision.name) else { continue };
            if !decision.written() {
                continue;
            }
            if let Some((name, _, _)) = said.get(spec.name) {
                problems.push(
                    Problem::error(
                        "name-and-file",
                        format!("`{name}` and `{}` are both set", decision.name),
                    )
                    .at(decision.place.clone())
                    .hint(format!("leave one out: `--except {name}`")),
                );
            }
        }
        decisions
    }

    /// The decision about one entry, and what it says of which variable if it counts.
    fn one(&self, entry: Expanded) -> Result<Decided, Box<Problem>> {
        let name = entry.name.clone();
        let carries = entry.secret;
        let mut decision = Decision {
            name: entry.name,
            place: entry.place,
            what: What::Kept,
            to: None,
            secret: carries || secretish::name(&name) || secretish::value(&entry.text),
            text: entry.text,
            why: None,
            keepable: false,
            otherwise: false,
        };
        if self.except.contains(&name) {
            return Ok((decision.is(What::Left, "`--except` names it"), None));
        }
        if let Some(why) = seeds::unused(&name).filter(|_| !self.keep_unused) {
            decision.keepable = true;
            return Ok((decision.is(What::Unused, why), None));
        }
        if let Some((spec, value)) = seeds::converted(&name, &decision.text) {
            if self.keep_names {
                let why = format!("`ultra` does not read it; its name here is `{}`", spec.name);
                return Ok((decision.stays(why), None));
            }
            return self.variable(decision, spec, value, carries);
        }
        match names::meaning(&name) {
            Meaning::Variable(spec) => {
                let text = Some(decision.text.clone());
                self.variable(decision, spec, text, carries)
            }
            Meaning::Alias(spec, alias) => {
                let text = match decision.text.is_empty() {
                    true => Some(String::new()),
                    false => (alias.convert)(&decision.text),
                };
                let written = decision.text.clone();
                let (mut decision, said) = self.variable(decision, spec, text, carries)?;
                let read =
                    said.as_ref().is_none_or(|(_, text)| self.reads(spec, &name, &written, text));
                decision.otherwise = !spec.secret && !read;
                Ok((decision, said))
            }
            Meaning::FileOf(spec) => {
                if decision.text.is_empty() {
                    return Ok((decision.is(What::Empty, "it names no file"), None));
                }
                let to = match self.keep_names {
                    true => name.clone(),
                    false => format!("{}_FILE", spec.name),
                };
                decision.what = if to == name { What::Kept } else { What::Renamed };
                decision.secret = false;
                let said = (format!("{}_FILE", spec.name), decision.text.clone());
                decision.to = Some(to);
                Ok((decision, Some(said)))
            }
            Meaning::UnknownOurs => Err(Box::new(
                Problem::error("unknown-variable", format!("unknown variable `{name}`")).hint(
                    names::hint(&name)
                        .unwrap_or_else(|| format!("leave it out: `--except {name}`")),
                ),
            )),
            Meaning::Foreign => Ok((self.foreign(decision), None)),
        }
    }

    /// A variable of the catalogue, under whatever name. `text` is `None` if the value has no
    /// equivalent.
    fn variable(
        &self,
        mut decision: Decision,
        spec: &'static VarSpec,
        text: Option<String>,
        carries: bool,
    ) -> Result<Decided, Box<Problem>> {
        decision.secret = spec.secret;
        if spec.name == "ULTRA_PROFILE" {
            return self.names_profile(decision).map(|decision| (decision, None));
        }
        if spec.bootstrap {
            let why = "it is read before any file; set it in the process environment";
            return Ok((decision.is(What::Unused, why), None));
        }
        if decision.text.is_empty() && (spec.secret || spec.kind.check("").is_err()) {
            return Ok((decision.is(What::Empty, "it has no value"), None));
        }
        let stands_for = test_key(spec, &decision.text) || is_placeholder(&decision.text);
        if stands_for {
            return Ok((decision.is(What::Placeholder, "it stands for a value"), None));
        }
        let malformed = || {
            Box::new(
                Problem::error(
                    "malformed-value",
                    format!("`{}` has no value that `{}` could take", decision.name, spec.name),
                )
                .why(format!("expected {}", spec.kind.expected()))
                .hint(format!("mend it, or leave it out: `--except {}`", decision.name)),
            )
        };
        let Some(text) = text else { return Err(malformed()) };
        let text = match seeds::value(spec, &text) {
            Ok(text) => text,
            Err(why) => return Ok((decision.is(What::Unused, why), None)),
        };
        let said = Some((spec.name.to_owned(), text.clone()));
        let alias = decision.name != spec.name;
        if spec.secret && alias && self.keep_names {
            let why = format!("its name in the vault is `{}`", spec.name);
            return Ok((decision.stays(why), said));
        }
        if spec.secret {
            decision.what = What::Vault;
            decision.to = Some(spec.name.to_owned());
            decision.text = text;
            return Ok((decision, said));
        }
        if spec.kind.check(&text).is_err() {
            return Err(malformed());
        }
        if carries || secretish::value(&text) {
            return Err(Box::new(
                Problem::error(
                    "secret-in-plain",
                    format!("a secret went into `{}`, which is none", decision.name),
                )
                .why("its value is shown wherever settings are")
                .hint(format!("mend it, or leave it out: `--except {}`", decision.name)),
            ));
        }
        if alias && self.keep_names && self.reads(spec, &decision.name, &decision.text, &text) {
            return Ok((decision.stays_silently(), said));
        }
        decision.text = text;
        decision.to = Some(spec.name.to_owned());
        if alias && self.keep_names {
            decision.why = Some("written otherwise here, so its name does not stay".to_owned());
        }
        if let Some(origin) = self.says_already(spec.name, &decision.text) {
            return Ok((decision.is(What::Default, &format!("so says the {origin}")), said));
        }
        decision.what = if alias { What::Renamed } else { What::Kept };
        Ok((decision, said))
    }

    /// Whether `ultra` reads the entry as it stands as what `text` says under the name here.
    fn reads(&self, spec: &'static VarSpec, name: &str, written: &str, text: &str) -> bool {
        let Meaning::Alias(_, alias) = names::meaning(name) else { return false };
        (alias.convert)(written)
            .is_some_and(|read| read.eq_ignore_ascii_case(text) && spec.kind.check(&read).is_ok())
    }

    /// Who says the same below the file that values go into.
    fn says_already(&self, variable: &str, text: &str) -> Option<&'static str> {
        let below = self.layer.unwrap_or(Layer::DotenvBase);
        let mut candidates = self.desk.resolution.candidates(variable).iter().rev();
        let winner = candidates.find(|candidate| {
            let place = candidate.origin.place.as_ref();
            candidate.origin.layer < below && place.is_none_or(|place| place.file != self.source)
        })?;
        match &winner.value {
            ValueRef::Text(said) if said == text => Some(winner.origin.layer.describe()),
            _ => None,
        }
    }

    /// `ENVIRONMENT=production`: the file is meant for a profile, which must be this one.
    fn names_profile(&self, decision: Decision) -> Result<Decision, Box<Problem>> {
        let wanted = canonical(&decision.text).to_owned();
        let profile = self.desk.profile();
        if wanted == profile || wanted.is_empty() || self.explicit {
            if self.keep_names && decision.name != "ULTRA_PROFILE" {
                return Ok(
                    decision.stays("a file does not choose the profile of `ultra`".to_owned())
                );
            }
            let why = "a file does not choose the profile; `ultra env switch` does";
            return Ok(decision.is(What::Profile, why));
        }
        Err(Box::new(
            Problem::error(
                "other-profile",
                format!(
                    "the file is meant for profile {}, and this is `{profile}`",
                    secretish::name_for_message(&decision.text)
                ),
            )
            .why(format!("`{}` says so", decision.name))
            .hint(format!("name the profile it goes into: `--profile {profile}` or another")),
        ))
    }

    /// A name of the application: kept; a secret goes into the vault if the profile refers to it.
    fn foreign(&self, mut decision: Decision) -> Decision {
        if decision.secret && is_placeholder(&decision.text) {
            return decision.is(What::Placeholder, "it stands for a value");
        }
        decision.to = Some(decision.name.clone());
        let declared = self.desk.resolution.profile.secrets.contains_key(&decision.name);
        if declared
            && !decision.text.is_empty()
            && intake::entry_of(self.desk, &decision.name).is_some()
        {
            decision.what = What::Vault;
            decision.secret = true;
        } else if decision.secret && !decision.text.is_empty() {
            decision.why = Some(format!(
                "a secret of the application; for the vault, the profile says `secrets: {{{}: vault:NAME}}`",
                decision.name
            ));
        } else if let Some(near) = names::near_miss(&decision.name) {
            decision.why = Some(format!("not a variable of ultra; `{near}` is"));
        }
        decision
    }
}

/// Whether a provider's key is one that tests use.
fn test_key(spec: &VarSpec, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    spec.secret
        && spec.name.ends_with("_API_KEY")
        && ["test-", "test_", "dummy", "fake"].iter().any(|begin| text.starts_with(begin))
}

fn conflict(decision: &Decision, name: &str, place: &Place, variable: &str) -> Problem {
    Problem::error("names-disagree", format!("`{name}` and `{}` disagree", decision.name))
        .at(decision.place.clone())
        .why(format!("both mean `{variable}`; the first is at {place}"))
        .hint(format!("leave one out: `--except {}`", decision.name))
}
