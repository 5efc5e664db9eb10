//! `extends`: the documents of a profile, and the profile they make.

use super::document::{Document, SaidVariable};
use crate::base::near;
use crate::report::Problem;
use crate::settings::Workspace;
use crate::settings::profile::{Policy, Profile, SecretSpec, canonical};
use crate::settings::secretish::name_for_message;
use std::collections::BTreeMap;

/// A profile with the values that it and the profiles it extends give, farthest first.
pub(crate) struct Assembled {
    /// The profile, typed.
    pub(crate) profile: Profile,
    /// Values of variables; a later one of the same name wins. `mode` is among them.
    pub(crate) vars: Vec<Vec<SaidVariable>>,
}

/// Reads the profile of this canonical name and all it extends. `None` if it does not exist or
/// cannot be read at all.
pub(crate) fn assemble(
    workspace: &Workspace,
    name: &str,
    problems: &mut Vec<Problem>,
) -> Option<Assembled> {
    let chain = documents(workspace, name, problems)?;
    let mut profile = Profile {
        name: name.to_owned(),
        extends: chain.iter().skip(1).map(|(name, _)| name.clone()).collect(),
        protected: false,
        place: chain.first().and_then(|(_, document)| document.place.clone()),
        secrets: BTreeMap::new(),
        providers: BTreeMap::new(),
        routes: BTreeMap::new(),
        policy: Policy::default(),
    };
    let mut vars = Vec::new();
    for (_, document) in chain.into_iter().rev() {
        profile.protected = document.protected.unwrap_or(profile.protected);
        for (name, reference, place) in document.secrets {
            profile.secrets.insert(name, SecretSpec { reference, place });
        }
        profile.providers.extend(document.providers);
        profile.routes.extend(document.routes);
        document.policy.apply(&mut profile.policy);
        let mut said = document.vars;
        if let Some((mode, place)) = document.mode {
            if let Some(twice) = said.iter().find(|v| v.name == "ULTRA_MODE") {
                problems.push(
                    Problem::error("said-twice", "`mode` and `ULTRA_MODE` are the same setting")
                        .at(twice.place.clone())
                        .hint("keep `mode`"),
                );
                said.retain(|v| v.name != "ULTRA_MODE");
            }
            said.push(SaidVariable {
                name: "ULTRA_MODE".to_owned(),
                text: mode.word().to_owned(),
                place: document.place.is_some().then(|| place.clone()),
                name_place: document.place.is_some().then_some(place),
            });
        }
        vars.push(said);
    }
    Some(Assembled { profile, vars })
}

/// The documents of the chain, the profile itself first.
fn documents(
    workspace: &Workspace,
    name: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<(String, Document)>> {
    let mut chain: Vec<(String, Document)> = Vec::new();
    let before = problems.len();
    match Document::read(workspace, name, problems) {
        Some(first) => chain.push((name.to_owned(), first)),
        None => {
            if problems.len() == before {
                let names = workspace.profile_names();
                problems.push(
                    Problem::error(
                        "unknown-profile",
                        format!("there is no profile {}", name_for_message(name)),
                    )
                    .maybe_hint(near::hint(name, names.iter().map(String::as_str))),
                );
            }
            return None;
        }
    }
    while let Some((wanted, place)) = chain.last().and_then(|(_, last)| last.extends.clone()) {
        let next = canonical(&wanted);
        if chain.iter().any(|(seen, _)| seen == next) {
            let mut names: Vec<String> = chain
                .iter()
                .map(|(seen, document)| match &document.extends {
                    Some((_, place)) => format!("{seen} ({place})"),
                    None => seen.clone(),
                })
                .collect();
            names.push(next.to_owned());
            problems.push(
                Problem::error("extends-cycle", "profiles extend each other in a circle")
                    .at(place)
                    .why(names.join(" → ")),
            );
            break;
        }
        let before = problems.len();
        match Document::read(workspace, next, problems) {
            Some(document) => chain.push((next.to_owned(), document)),
            None => {
                if problems.len() == before {
                    let names = workspace.profile_names();
                    problems.push(
                        Problem::error(
                            "unknown-profile",
                            format!(
                                "`extends` names {}, which does not exist",
                                name_for_message(&wanted)
                            ),
                        )
                        .at(place)
                        .maybe_hint(near::hint(next, names.iter().map(String::as_str))),
                    );
                }
                break;
            }
        }
    }
    Some(chain)
}
