//! What one layer says, with names understood: aliases converted, files of secrets, names nobody
//! knows.

use super::{Gather, Value, as_value, trust};
use crate::base::file;
use crate::report::{Place, Problem};
use crate::settings::catalogue::VarSpec;
use crate::settings::names::{self, Meaning};
use crate::settings::origin::Layer;
use crate::settings::profile::canonical;
use crate::settings::resolution::{InVain, Written};
use crate::settings::secret::ValueRef;
use crate::settings::secretish;
use std::collections::BTreeMap;
use std::path::Path;

/// One name with a text, as a layer says it. It has no `Debug`: it may be a secret.
pub(super) struct Said {
    /// The name, as it was written.
    pub(super) name: String,
    /// The text.
    pub(super) text: String,
    /// Where its value stands, if in a file.
    pub(super) place: Option<Place>,
    /// Where its name stands, if that is elsewhere.
    pub(super) name_place: Option<Place>,
    /// Whether a secret went into the text.
    pub(super) secret: bool,
}

impl Said {
    /// Where the name stands, for what is wrong with that.
    fn name_place(&self) -> Option<Place> {
        self.name_place.clone().or_else(|| self.place.clone())
    }
}

/// What the names of one layer say of one variable.
#[derive(Default)]
struct OfVariable {
    /// Texts: under the variable's name or converted from an alias.
    texts: Vec<(Said, String)>,
    /// `NAME_FILE`.
    files: Vec<Said>,
}

/// Adds a layer whose names are all there at once.
pub(super) fn absorb(gather: &mut Gather<'_>, layer: Layer, said: Vec<Said>) {
    let mut variables: BTreeMap<&'static str, (&'static VarSpec, OfVariable)> = BTreeMap::new();
    for said in said {
        match names::meaning(&said.name) {
            Meaning::Variable(spec) => {
                let text = said.text.clone();
                if usable(gather, layer, spec, &said) {
                    variables
                        .entry(spec.name)
                        .or_insert_with(|| (spec, OfVariable::default()))
                        .1
                        .texts
                        .push((said, text));
                }
            }
            Meaning::Alias(spec, alias) => {
                if !usable(gather, layer, spec, &said) {
                    continue;
                }
                let text = converted(gather, layer, spec, &said, alias.convert);
                let counts = text.as_ref().is_some_and(|text| spec.kind.check(text).is_ok());
                keep_as_written(gather, layer, spec, &said, counts);
                if let Some(text) = text {
                    variables
                        .entry(spec.name)
                        .or_insert_with(|| (spec, OfVariable::default()))
                        .1
                        .texts
                        .push((said, text));
                }
            }
            Meaning::FileOf(spec) => {
                if usable(gather, layer, spec, &said) {
                    variables
                        .entry(spec.name)
                        .or_insert_with(|| (spec, OfVariable::default()))
                        .1
                        .files
                        .push(said);
                }
            }
            Meaning::UnknownOurs => unknown(gather, layer, &said),
            Meaning::Foreign => foreign(gather, layer, said),
        }
    }
    for (spec, of_variable) in variables.into_values() {
        decide(gather, layer, spec, of_variable);
    }
}

/// Whether a catalogued variable may be said here and says anything. What is read before files
/// cannot stand in one, and an empty secret counts as unset.
fn usable(gather: &mut Gather<'_>, layer: Layer, spec: &VarSpec, said: &Said) -> bool {
    let in_file = layer < Layer::Process;
    if in_file && spec.bootstrap {
        let what = format!("`{}` has no effect in a file", said.name);
        let problem = if said.name.starts_with("ULTRA_") {
            Problem::error("bootstrap-in-file", what)
        } else {
            Problem::warning("bootstrap-in-file", what)
        };
        gather.problems.push(
            problem
                .at(said.name_place())
                .why("it is needed before any file is read")
                .hint("set it in the process environment, or use the flag"),
        );
        gather.pass_over(
            spec.name,
            layer,
            said.place.clone(),
            &said.name,
            InVain::Because("not counted in a file: it is needed before any file is read"),
        );
        if !said.name.starts_with("ULTRA_") {
            keep_as_written(gather, layer, spec, said, false);
        }
        return false;
    }
    if spec.bootstrap && said.text.is_empty() {
        return false;
    }
    if spec.secret && said.text.trim().is_empty() {
        gather.problems.push(
            Problem::warning(
                "empty-secret",
                format!("`{}` is empty and counts as unset", said.name),
            )
            .at(said.place.clone())
            .why(format!("set by {}", layer.describe())),
        );
        gather.pass_over(
            spec.name,
            layer,
            said.place.clone(),
            &said.name,
            InVain::Because("empty, which counts as unset"),
        );
        return false;
    }
    if !spec.secret && said.secret {
        gather.problems.push(
            Problem::error(
                "secret-in-plain",
                format!("a secret went into `{}`, which is none", said.name),
            )
            .at(said.place.clone())
            .why("its value is shown wherever settings are"),
        );
        gather.pass_over(
            spec.name,
            layer,
            said.place.clone(),
            &said.name,
            InVain::Because("not counted: a secret went into what is none"),
        );
        return false;
    }
    true
}

/// Remembers the text that a file says under a name which the application may read too.
fn keep_as_written(
    gather: &mut Gather<'_>,
    layer: Layer,
    spec: &VarSpec,
    said: &Said,
    counts: bool,
) {
    if layer < Layer::Process {
        let secret = spec.secret || said.secret || secretish::value(&said.text);
        let value = as_value(said.text.clone(), secret);
        gather.resolution.keep_as_written(&said.name, Written { layer, value, counts });
    }
}

/// The value of an alias in terms of the variable. One that does not fit is an error in a file;
/// in the process environment names such as `DEBUG` or `PORT` may be meant for another program.
fn converted(
    gather: &mut Gather<'_>,
    layer: Layer,
    spec: &VarSpec,
    said: &Said,
    convert: fn(&str) -> Option<String>,
) -> Option<String> {
    let text = convert(&said.text);
    let fits = text.as_ref().is_some_and(|text| spec.kind.check(text).is_ok());
    let process = layer >= Layer::Process;
    if fits || (text.is_some() && !process) {
        if !(process && matches!(said.name.as_str(), "ENVIRONMENT" | "PORT")) {
            gather.problems.push(
                Problem::warning("renamed", format!("`{}` is now `{}`", said.name, spec.name))
                    .at(said.name_place())
                    .hint(format!("write `{}`", spec.name)),
            );
        }
        return text;
    }
    let what = format!("`{}` has no value that `{}` could take", said.name, spec.name);
    let problem = if process {
        Problem::warning("alias-passed-over", what)
            .hint("it is passed over; unset it if it is meant for another program")
    } else {
        Problem::error("malformed-value", what).hint(format!("write `{}`", spec.name))
    };
    gather
        .problems
        .push(problem.at(said.place.clone()).why(format!("expected {}", spec.kind.expected())));
    let why = InVain::Because("passed over: it has no value that the variable could take");
    gather.pass_over(spec.name, layer, said.place.clone(), &said.name, why);
    None
}

/// What the layer says in the end: one value, or a conflict.
fn decide(gather: &mut Gather<'_>, layer: Layer, spec: &'static VarSpec, said: OfVariable) {
    let OfVariable { mut texts, mut files } = said;
    for (later, text) in texts.iter().skip(1) {
        let Some((first, first_text)) = texts.first() else { break };
        // `production` and `prod` are one profile.
        let same = spec.name == "ULTRA_PROFILE" && canonical(text) == canonical(first_text);
        if text != first_text && !same {
            gather.problems.push(disagreement(layer, first, later, spec));
        }
    }
    if let (Some((named, _)), Some(file)) = (texts.first(), files.first()) {
        gather.problems.push(
            Problem::error(
                "name-and-file",
                format!("`{}` and `{}` are both set", named.name, file.name),
            )
            .at(file.place.clone().or_else(|| named.place.clone()))
            .hint(format!("unset one of them; `{}` is safer", file.name)),
        );
        return;
    }
    // The variable's own name before its aliases.
    texts.sort_by_key(|(said, _)| said.name != spec.name);
    files.sort_by_key(|said| said.name.strip_suffix("_FILE") != Some(spec.name));
    for (said, _) in texts.iter().skip(1) {
        let why = InVain::Because("not counted: the same layer says it under another name");
        gather.pass_over(spec.name, layer, said.place.clone(), &said.name, why);
    }
    if let Some((said, text)) = texts.into_iter().next() {
        let written_as = (said.name != spec.name).then_some(said.name);
        let value = Value { value: as_value(text, spec.secret), place: said.place };
        gather.add(spec.name, layer, value, written_as);
    } else if let Some(said) = files.into_iter().next() {
        if said.text.is_empty() {
            return;
        }
        if trust::is_dotenv(layer)
            && let Some(why) = trust::bars_file(gather, spec.name, &said)
        {
            gather.pass_over(spec.name, layer, said.place, &said.name, why);
            return;
        }
        let base = match layer {
            Layer::Process => Some(&*gather.workspace.current_dir),
            _ => gather.workspace.dotenv_dir(),
        };
        let path = base.unwrap_or(Path::new("")).join(&said.text);
        if file::holds_nothing(&path) {
            let what = format!("the file of `{}` is empty and counts as unset", said.name);
            gather.problems.push(
                Problem::warning("empty-secret", what)
                    .at(Place::file(gather.workspace.shown(&path)))
                    .why(format!("named by {}", layer.describe())),
            );
            let why = InVain::Because("its file is empty, which counts as unset");
            gather.pass_over(spec.name, layer, said.place, &said.name, why);
            return;
        }
        let value = Value { value: ValueRef::File(path), place: said.place };
        gather.add(spec.name, layer, value, Some(said.name));
    }
}

fn disagreement(layer: Layer, first: &Said, later: &Said, spec: &VarSpec) -> Problem {
    let (a, b) = (&first.name, &later.name);
    let named = [first, later].iter().any(|said| said.name == spec.name);
    let yields = |said: &&&Said| spec.aliases.iter().any(|a| a.yields && a.name == said.name);
    if let Some(passed) = [first, later].iter().find(yields).filter(|_| named) {
        return Problem::warning("aliases-disagree", format!("`{a}` and `{b}` disagree"))
            .at(passed.place.clone())
            .why(format!("`{}` counts, as for the vendor's own libraries", spec.name))
            .hint(format!("unset `{}`, or keep it for other programs", passed.name));
    }
    let problem = Problem::error("aliases-disagree", format!("`{a}` and `{b}` disagree"))
        .at(later.place.clone())
        .why(format!("both mean `{}` ({})", spec.name, layer.describe()));
    problem.hint(if named {
        format!("keep `{}`", spec.name)
    } else {
        format!("write `{}` once instead", spec.name)
    })
}

fn unknown(gather: &mut Gather<'_>, layer: Layer, said: &Said) {
    let what = format!("unknown variable {}", secretish::name_for_message(&said.name));
    let problem = if layer < Layer::Process {
        Problem::error("unknown-variable", what)
    } else {
        // An older binary must start with the environment of a newer one.
        Problem::warning("unknown-variable", what).why("it is set in the process environment")
    };
    gather.problems.push(problem.at(said.name_place()).maybe_hint(names::hint(&said.name)));
}

/// A name of the application. Those of the process environment count only where a lower layer
/// knows them too.
fn foreign(gather: &mut Gather<'_>, layer: Layer, said: Said) {
    let declared = gather.declared.contains(&said.name);
    let known = declared || !gather.resolution.candidates(&said.name).is_empty();
    if !known && let Some(meant) = names::near_miss(&said.name) {
        gather.problems.push(
            Problem::warning("near-miss", format!("`{}` is no variable of ultra", said.name))
                .at(said.name_place())
                .hint(format!("did you mean `{meant}`?")),
        );
    }
    if layer >= Layer::Process && !known {
        return;
    }
    let secret = declared
        || said.secret
        || secretish::name(&said.name)
        || secretish::value(&said.text)
        || gather
            .resolution
            .candidates(&said.name)
            .iter()
            .any(|candidate| !matches!(candidate.value, ValueRef::Text(_)));
    let value = Value { value: as_value(said.text, secret), place: said.place };
    gather.add(&said.name, layer, value, None);
}
