//! The filter `dotenv`: values that every program reads alike, and what to tell of the others.

use super::facts::Facts;
use crate::report::{Place, Problem};
use crate::settings::dotenv::portable;
use minijinja::{Error, ErrorKind};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The variables that have no form, by their names. The template is filled to its end, so that all
/// of them are told at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten(Arc<Mutex<BTreeMap<String, Problem>>>);

impl Unwritten {
    /// What to tell, in the order of the names.
    pub(super) fn problems(self) -> Vec<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// The filter. A template hands over a value without saying whose it is, so that is found by the
/// value; one that the template has made up itself is an error of the template, with its line.
pub(super) fn filter(
    facts: &Facts,
    unwritten: &Unwritten,
) -> impl Fn(String) -> Result<String, Error> + Send + Sync + 'static {
    let mut variables: HashMap<String, Vec<(String, Option<Place>)>> = HashMap::new();
    for var in &facts.vars {
        if portable(&var.value).is_err() {
            let named = (var.name.clone(), var.place.clone());
            variables.entry(var.value.clone()).or_default().push(named);
        }
    }
    let unwritten = unwritten.clone();
    move |text| {
        let why = match portable(&text) {
            Ok(form) => return Ok(form),
            Err(why) => why,
        };
        let Some(named) = variables.get(&text) else {
            let detail = format!("`dotenv` has no form for its value: {why}");
            return Err(Error::new(ErrorKind::InvalidOperation, detail));
        };
        let mut unwritten = unwritten.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, place) in named {
            let problem = why.problem(name).at(place.clone()).hint(
                "`ultra env run -- CMD` hands it on as it is; `ultra env render systemd-env` can write it",
            );
            unwritten.insert(name.clone(), problem);
        }
        Ok(String::new())
    }
}
