//! The generated `.env`: what it says, and how it is told from a file that somebody wrote.
//!
//! The first line names profile, generation and the digest of everything after it, so that an
//! edit shows. It holds no secret: where one belongs stands a comment with its source.

use crate::settings::catalogue;
use crate::settings::dotenv::{GENERATED as MARK, is_generated, portable, quote};
use crate::settings::origin::Layer;
use crate::settings::resolution::{Candidate, Resolution};
use crate::settings::secret::ValueRef;
use crate::settings::shown::hidden;
use crate::settings::trust_claims::danger;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The profile it was made for.
    pub(crate) profile: String,
    /// The generation of the switch that made it.
    pub(crate) generation: u64,
}

/// The whole file: the first line, then `body`.
pub(crate) fn seal(profile: &str, generation: u64, body: &str) -> Vec<u8> {
    let digest = digest(body.as_bytes());
    format!("{MARK}: profile {profile}, generation {generation}, digest {digest}\n{body}")
        .into_bytes()
}

/// What the first line says, and whether the rest is as it was written; `None` for a file that
/// does not begin with the mark.
pub(crate) fn inspect(bytes: &[u8]) -> Option<(Header, bool)> {
    if !is_generated(bytes) {
        return None;
    }
    let edited = Header { profile: String::new(), generation: 0 };
    Some(sealed(bytes).map_or((edited, false), |header| (header, true)))
}

/// The header of a file whose first line is well formed and whose digest holds.
fn sealed(bytes: &[u8]) -> Option<Header> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let (first, rest) = bytes.split_at_checked(end)?;
    let rest = rest.strip_prefix(b"\n")?;
    let facts = std::str::from_utf8(first).ok()?.strip_prefix(MARK)?.strip_prefix(": profile ")?;
    let (profile, facts) = facts.split_once(", generation ")?;
    let (generation, said) = facts.split_once(", digest ")?;
    let header = Header { profile: profile.to_owned(), generation: generation.parse().ok()? };
    (said == digest(rest)).then_some(header)
}

/// The part after the first line.
pub(crate) fn body(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|b| *b == b'\n').and_then(|at| bytes.get(at + 1..)).unwrap_or_default()
}

fn digest(body: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(body)))
}

/// What a profile says, for tools that read `.env`: everything that a file or a profile sets. The
/// process environment is left out, because it holds for one process and these tools see it
/// themselves; defaults are left out, because the programs know them.
/// Of the variables in `withheld`, which can make a program run code or send keys elsewhere and which
/// nobody has agreed to, only the names are told.
pub(crate) fn render(resolution: &Resolution, withheld: &BTreeSet<&str>) -> String {
    let profile = &resolution.profile.name;
    let mut out = format!(
        "# For compose and other tools; `ultra` does not read it. Change the profile, `.env.local` or the\n\
         # vault instead, then run `ultra env switch {profile}`. `ultra env undo` brings back what was here.\n\
         ULTRA_PROFILE={}\n",
        quote(profile)
    );
    let mut sources = String::new();
    for name in resolution.names() {
        let spec = catalogue::find(name);
        if spec.is_some_and(|spec| spec.bootstrap || spec.internal) {
            continue;
        }
        let candidates = resolution.candidates(name);
        if withheld.contains(name) {
            let why = danger(name).unwrap_or("it is withheld");
            out.push_str(&format!(
                "# {name} is left out: {why}, and nobody has trusted this root with it (`ultra env trust`)\n"
            ));
            continue;
        }
        if hidden(name, candidates) {
            if let Some(source) = source_of_secret(resolution, name) {
                sources.push_str(&format!("# {name}: {}\n", source.escape_debug()));
            }
        } else if let Some((_, text)) = written(candidates) {
            match portable(text) {
                Ok(form) => out.push_str(&format!("{name}={form}\n")),
                // A wrong value would be worse than none.
                Err(why) => out.push_str(&format!("# {name} is left out: {why}\n")),
            }
        }
    }
    if !sources.is_empty() {
        out.push_str(
            "\n# Secrets are not written here. Each comes from where its line says; `ultra env run -- CMD` hands them on.\n",
        );
        out.push_str(&sources);
    }
    out
}

/// The highest text that a profile or a dotenv file says.
fn written(candidates: &[Candidate]) -> Option<(&Candidate, &str)> {
    candidates.iter().rev().find_map(|c| match (&c.origin.layer, &c.value) {
        (Layer::Default | Layer::Vault | Layer::NamedFile | Layer::Process | Layer::Flag, _) => {
            None
        }
        (_, ValueRef::Text(text)) => Some((c, text.as_str())),
        (_, ValueRef::Literal(_) | ValueRef::Vault { .. } | ValueRef::File(_)) => None,
    })
}

/// The secrets that the file would tell by name only.
pub(crate) fn left_out(resolution: &Resolution) -> Vec<String> {
    let ours = |name: &str| catalogue::find(name).is_some_and(|s| s.bootstrap || s.internal);
    resolution
        .names()
        .filter(|name| !ours(name) && hidden(name, resolution.candidates(name)))
        .filter(|name| source_of_secret(resolution, name).is_some())
        .map(str::to_owned)
        .collect()
}

/// What the file would say: each variable with what says it.
pub(crate) fn says(resolution: &Resolution) -> impl Iterator<Item = (&str, &Candidate)> {
    resolution.names().filter_map(|name| Some((name, written(resolution.candidates(name))?.0)))
}

/// Where the secret comes from, without what may differ from one call to the next.
fn source_of_secret(resolution: &Resolution, name: &str) -> Option<String> {
    let winner = resolution.winner(name)?;
    // Names outside the catalogue in the process environment are not the profile's.
    if winner.origin.layer == Layer::Process && catalogue::find(name).is_none() {
        return None;
    }
    Some(match &winner.value {
        ValueRef::Vault { profile, name } => format!("vault:{profile}/{name}"),
        ValueRef::File(path) => format!("file:{}", path.display()),
        ValueRef::Text(_) | ValueRef::Literal(_) => {
            winner.origin.layer.describe().replace("<profile>", &resolution.profile.name)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::settings::origin::Origin;
    use crate::settings::profile::{Policy, Profile};

    fn resolution() -> Resolution {
        Resolution::defaults(Profile {
            name: "prod".to_owned(),
            extends: Vec::new(),
            protected: true,
            place: None,
            secrets: Default::default(),
            providers: Default::default(),
            routes: Default::default(),
            policy: Policy::default(),
        })
    }

    fn add(resolution: &mut Resolution, layer: Layer, name: &str, value: ValueRef) {
        resolution.add(name, Candidate { origin: Origin::of(layer), value });
    }

    #[test]
    fn an_edit_shows_wherever_it_is() {
        let bytes = seal("prod", 7, "A=1\nB=2\n");
        let (header, intact) = inspect(&bytes).unwrap();
        assert!(intact);
        assert_eq!((header.profile.as_str(), header.generation), ("prod", 7));
        assert_eq!(body(&bytes), b"A=1\nB=2\n");
        let text = String::from_utf8(bytes).unwrap();
        for edited in [
            text.replace("A=1", "A=2"),
            text.clone() + "C=3\n",
            text.trim_end().to_owned(),
            text.lines().next().unwrap().to_owned(),
        ] {
            assert!(!inspect(edited.as_bytes()).unwrap().1, "{edited}");
        }
        assert_eq!(inspect(b"A=1\n"), None);
    }

    #[test]
    fn it_holds_what_files_say_and_no_secret() {
        let mut r = resolution();
        let text = |t: &str| ValueRef::Text(t.to_owned());
        let canary = "sk-canary-0000000000";
        add(&mut r, Layer::Profile, "ULTRA_PORT", text("8000"));
        add(&mut r, Layer::Process, "ULTRA_PORT", text("9999"));
        add(&mut r, Layer::Profile, "GREETING", text("it's $5 \"a\" day"));
        add(&mut r, Layer::DotenvLocal, "STRIPE_API_KEY", text(canary));
        add(&mut r, Layer::DotenvLocal, "INNOCENT", text(canary));
        add(&mut r, Layer::DotenvLocal, "OPENAI_API_KEY", ValueRef::Literal(Secret::new(canary)));
        add(&mut r, Layer::Profile, "ULTRA_STATE_DIR", text("/elsewhere"));
        let proxied = format!("https://user:{canary}@llm.acme.io/v1");
        add(&mut r, Layer::DotenvLocal, "OPENAI_BASE_URL", text(&proxied));
        let vault = ValueRef::Vault { profile: "prod".to_owned(), name: "jwt".to_owned() };
        add(&mut r, Layer::Vault, "ULTRA_JWT_KEY", vault);
        let file = render(&r, &BTreeSet::new());
        let lines: Vec<&str> = file.lines().collect();
        assert!(!file.contains(canary), "{file}");
        for line in [
            "ULTRA_PROFILE=prod",
            "ULTRA_PORT=8000",
            "# GREETING is left out: it holds `'` with `\"`, `$` or `\\`, and programs differ about escapes in quotes",
            "# STRIPE_API_KEY: .env.local",
            "# INNOCENT: .env.local",
            "# OPENAI_BASE_URL: .env.local",
            "# OPENAI_API_KEY: .env.local",
            "# ULTRA_JWT_KEY: vault:prod/jwt",
        ] {
            assert!(lines.contains(&line), "no {line:?} in {file}");
        }
        assert!(!file.contains("/elsewhere") && !file.contains("ULTRA_ADDR"), "{file}");
    }
}
