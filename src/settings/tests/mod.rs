//! Tests of profiles, layers and rules through loading.

mod bad_profiles;
mod profiles;
mod rules;
mod secrets;
mod trust_cost;

use super::environment::Environment;
use super::secret::NoSecrets;
use super::workspace::Flags;
use super::{Loaded, Workspace, load, validate};
use crate::base::SystemClock;
use crate::report::Problem;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

const CANARY: &str = "sk-canary-5d1c0b7e9a3f4826";
const STRONG: &str = "q7Gm2xVt9LrB4nWz8KdY5cPh1sJf6uEa";
const STRONGER: &str = "Zx81mQp04vTs6Hk2Wn7Rb5Gd9Lc3FyUe";

struct Place {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join("app").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::create_dir_all(dir.path().join("app/profiles")).unwrap();
        let env = vec![("HOME".to_owned(), dir.path().display().to_string())];
        Self { dir, env }
    }

    fn checkout() -> Self {
        let place = Self::new(&[]);
        for name in ["dev", "test", "staging", "prod"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("profiles/{name}.yaml"));
            std::fs::copy(from, place.dir.path().join(format!("app/profiles/{name}.yaml")))
                .unwrap();
        }
        place
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn workspace(&self, flags: Flags) -> Workspace {
        let pairs = self.env.iter().map(|(n, v)| (OsString::from(n), OsString::from(v)));
        let dir = self.dir.path().join("app").canonicalize().unwrap();
        Workspace::discover_in(dir, Environment::from_pairs(pairs), flags, Arc::new(SystemClock))
            .unwrap()
    }

    fn load(&self, profile: &str) -> Loaded {
        load(&self.workspace(Flags::default()), profile, &NoSecrets)
    }

    fn validate(&self, profile: &str) -> Loaded {
        validate(&self.workspace(Flags::default()), profile, &NoSecrets)
    }
}

fn codes(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|p| {
            let place = p.place.as_ref().map(|p| format!("{p} ")).unwrap_or_default();
            format!("{}{place}{}", if p.is_error() { "" } else { "~" }, p.code)
        })
        .collect()
}

#[track_caller]
fn silent(loaded: &Loaded) {
    assert!(!format!("{loaded:?}").contains(CANARY), "{loaded:?}");
}
