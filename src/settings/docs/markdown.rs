//! `docs/configuration.md`: profiles, layers, variables, value kinds, dialect, exit codes.

use super::words::{consumer, need, paragraph, placeholder, reload};
use crate::exit;
use crate::settings::catalogue::{self, GROUPS, VarSpec};
use crate::settings::origin::Layer;
use crate::settings::profile;
use crate::settings::rules::RULES;
use crate::settings::value::Kind;

const HEAD: &str = "\
<!-- Written by `ultra generate` from the declarations in src/settings; edit those. -->

# Configuration

Every variable that `ultra` knows is declared once. This page, `.env.example`, the JSON Schema of
profiles, validation, `ultra env explain NAME` and completion are all made from those declarations.
";

const PROFILES: &str = "
## Profiles

A profile is a named environment. It is chosen by, highest first: the flag `--profile` ·
[`ULTRA_PROFILE`](#ULTRA_PROFILE) · the last `ultra env switch` · `dev`.
`ultra env current` says which of them decided.

Profiles are YAML files in `profiles/`; `profiles/profile.schema.json` describes them to editors
(`# yaml-language-server: $schema=./profile.schema.json` as the first line). Some names have aliases:

| alias | profile |
|---|---|
";

const LAYERS: &str = "
## Layers

A value of a later row wins over one of an earlier row.

| | layer | what it is |
|---|---|---|
";

const LAYERS_END: &str = "
A `.env` that `ultra env switch` wrote is output for other tools and not read as a layer.
An empty secret counts as unset. `NAME` and `NAME_FILE` both set is an error; one trailing newline of
a secret file is stripped. Variables of the group *bootstrap* are read before any file, so only
flags, the process environment and defaults count for them.
";

const DIALECT: &str = "
## Dotenv files

The dialect is strict, so that a file means the same to everybody who reads it.

| form | meaning |
|---|---|
| `NAME=value`, `export NAME=value` | blanks around the name, the `=` and the value are dropped; no escapes |
| `NAME='value'` | literal, may span lines; `\\'` is a quote |
| `NAME=\"value\"` | may span lines; `\\n` `\\r` `\\t` `\\\\` `\\\"` `\\$` are escapes, any other backslash is literal |
| `# text` | a comment, at the start of a line or after white space; `a#b` is a value |
| `${NAME}` | the value of `NAME` |
| `${NAME:-text}`, `${NAME-text}` | `text` if `NAME` is unset or empty; if it is unset |
| `${NAME:?text}` | an error with `text` if `NAME` is unset or empty |
| `${NAME:+text}` | `text` if `NAME` is set and not empty, else nothing |
| `$NAME` | literally `$NAME`, with a warning |

References are replaced outside single quotes. Commands are never run. A name that stands twice, an
open quote, a bad name, NUL and invalid UTF-8 are errors with line and column. CRLF line ends and a
byte order mark are accepted.
";

const VALUES: &str = "
## Kinds of values

| kind | expected |
|---|---|
";

const EXITS: &str = "
## Exit codes

| code | name | meaning |
|---|---|---|
";

const RULE_TABLE: &str = "
## Rules

What must hold beyond the kinds of values, at start-up and in `ultra env validate` and
`ultra env switch`. Every problem is told at once.

| rule | what it demands |
|---|---|
";

/// The text of `docs/configuration.md`.
pub(crate) fn configuration() -> String {
    let mut out = String::from(HEAD);
    out.push_str(PROFILES);
    for (alias, name) in profile::ALIASES {
        out.push_str(&format!("| `{alias}` | `{name}` |\n"));
    }
    out.push_str(LAYERS);
    for (n, layer) in Layer::ALL.iter().enumerate() {
        let (name, about) = (layer_name(*layer), about_layer(*layer));
        out.push_str(&format!("| {} | {name} | {about} |\n", n + 1));
    }
    out.push_str(LAYERS_END);
    out.push_str(&variables());
    out.push_str(&aliases());
    out.push_str(DIALECT);
    out.push_str(VALUES);
    for (name, kind) in KINDS {
        out.push_str(&format!("| {name} | {} |\n", kind.expected()));
    }
    out.push_str(RULE_TABLE);
    for rule in RULES {
        out.push_str(&format!("| `{}` | {} |\n", rule.id, rule.doc));
    }
    out.push_str(EXITS);
    for (code, name, meaning) in exit::TABLE {
        out.push_str(&format!("| {code} | {name} | {meaning} |\n"));
    }
    out
}

/// One example of each kind that is described once for all; choices and bounds stand with their
/// variables.
const KINDS: &[(&str, Kind)] = &[
    ("text", Kind::Text),
    ("boolean", Kind::Boolean),
    ("port", Kind::Port),
    ("address", Kind::Address),
    ("time span", Kind::Duration),
    ("size", Kind::Size),
    ("URL", Kind::Url),
    ("path", Kind::Path),
    ("list", Kind::List),
];

/// The layer's name; that of a file as code, which keeps `<profile>` from being read as a tag.
fn layer_name(layer: Layer) -> String {
    let name = layer.describe();
    if name.starts_with('.') { format!("`{name}`") } else { name.to_owned() }
}

fn about_layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Default => "what this page says",
        Layer::Profile => "`profiles/<p>.yaml` and the profiles it extends, or a built-in profile",
        Layer::DotenvBase => "written by hand",
        Layer::DotenvLocal => "of this machine",
        Layer::DotenvProfile => "of one profile",
        Layer::DotenvProfileLocal => "of one profile on this machine",
        Layer::Vault => "secrets of the profile (`ultra keys`)",
        Layer::NamedFile => "a dotenv file that `env run` or `env export` is given",
        Layer::Process => "`NAME`, or `NAME_FILE` with the path of a file that holds a secret",
        Layer::Flag => "of the command line",
    }
}

fn variables() -> String {
    let mut out = String::from("\n## Variables\n");
    for (name, doc, vars) in GROUPS {
        let links: Vec<String> =
            vars.iter().map(|spec| format!("[`{0}`](#{0})", spec.name)).collect();
        out.push_str(&format!("\n- **{name}**: {} {}", paragraph(doc), links.join(" · ")));
    }
    out.push('\n');
    for (name, doc, vars) in GROUPS {
        out.push_str(&format!("\n### Group {name}\n\n{}\n", paragraph(doc)));
        for spec in *vars {
            out.push_str(&variable(spec));
        }
    }
    out
}

fn variable(spec: &VarSpec) -> String {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if spec.secret {
        facts.push(("value", format!("a secret, here `{}`", placeholder(spec))));
    } else {
        facts.push(("value", spec.kind.expected()));
    }
    match spec.default {
        Some("") => facts.push(("default", "empty".to_owned())),
        Some(default) => facts.push(("default", format!("`{default}`"))),
        None => facts.push(("default", "unset".to_owned())),
    }
    if let Some(example) = spec.example.filter(|_| !spec.secret) {
        facts.push(("example", format!("`{}={example}`", spec.name)));
    }
    if let Some(need) = need(spec.need) {
        facts.push(("need", need));
    }
    if let Some(vault) = spec.vault {
        facts.push(("vault", format!("`ultra keys set {vault}`")));
    }
    if !spec.aliases.is_empty() {
        let names: Vec<String> = spec.aliases.iter().map(|a| format!("`{}`", a.name)).collect();
        facts.push(("other names", names.join(", ")));
    }
    facts.push(("read by", consumer(spec.consumer).to_owned()));
    if let Some(reload) = reload(spec) {
        facts.push(("a new value counts", reload.to_owned()));
    }
    if spec.bootstrap {
        facts.push(("set in", "flags and process environment only".to_owned()));
    }
    if spec.internal {
        facts.push(("child processes", "never passed on".to_owned()));
    }
    facts.push(("since", spec.since.to_owned()));
    let facts: String = facts.iter().map(|(k, v)| format!("- {k}: {v}\n")).collect();
    format!("\n<a id=\"{0}\"></a>\n\n#### `{0}`\n\n{1}\n\n{facts}", spec.name, paragraph(spec.doc))
}

fn aliases() -> String {
    let mut rows: Vec<(&str, &str)> = catalogue::all()
        .flat_map(|spec| spec.aliases.iter().map(|alias| (alias.name, spec.name)))
        .collect();
    rows.sort_unstable();
    let mut out = String::from(
        "\n## Other names\n\nAccepted and reported as renamed. \
         A variable and its other name with different values are an error.\n\n| name | variable |\n|---|---|\n",
    );
    for (alias, name) in rows {
        out.push_str(&format!("| `{alias}` | [`{name}`](#{name}) |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_has_one_anchor_and_every_link_a_target() {
        let page = configuration();
        for spec in catalogue::all() {
            let anchor = format!("<a id=\"{}\"></a>", spec.name);
            assert_eq!(page.matches(&anchor).count(), 1, "{}", spec.name);
        }
        for (_, rest) in page.match_indices("](#").map(|(at, _)| page.split_at(at + 3)) {
            let target = rest.split(')').next().unwrap();
            assert!(page.contains(&format!("<a id=\"{target}\"></a>")), "{target}");
        }
    }

    #[test]
    fn layers_and_exit_codes_are_all_there() {
        let page = configuration();
        for layer in Layer::ALL {
            assert!(page.contains(&format!("| {} |", layer_name(layer))), "{layer:?}");
        }
        for (code, name, _) in exit::TABLE {
            assert!(page.contains(&format!("| {code} | {name} |")));
        }
    }
}
