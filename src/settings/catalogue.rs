//! The catalogue: every variable that the server and the command line know, declared once.
//!
//! A group of variables is declared with [`settings!`](crate::settings::catalogue::settings). The
//! block expands to the typed struct, its list of [`VarSpec`]s and the function that reads it
//! from a [`Resolution`](super::Resolution); documentation, `.env.example`, JSON Schema, `explain`
//! and completion are made from the same list.

use super::value::Kind;
use std::sync::LazyLock;

/// Everything there is to know about one variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VarSpec {
    /// The name in the environment.
    pub(crate) name: &'static str,
    /// The group it is documented under.
    pub(crate) group: &'static str,
    /// What it means: the doc comment of its declaration.
    pub(crate) doc: &'static str,
    /// What values it takes.
    pub(crate) kind: Kind,
    /// The built-in default, in the syntax of the environment.
    pub(crate) default: Option<&'static str>,
    /// An example, in the syntax of the environment.
    pub(crate) example: Option<&'static str>,
    /// Whether the value is a secret.
    pub(crate) secret: bool,
    /// When it must be set.
    pub(crate) need: Need,
    /// Whether it is read before profiles and files are: only flags, process environment, default.
    pub(crate) bootstrap: bool,
    /// Whether it is kept from child processes.
    pub(crate) internal: bool,
    /// Whether it opens what makes and deletes keys: only `ultra keys` and its operator use it. No
    /// server opens it, and nothing passes it on under any name.
    pub(crate) operator: bool,
    /// When a running server takes a new value.
    pub(crate) reload: Reload,
    /// Who reads it.
    pub(crate) consumer: Consumer,
    /// Other names that are accepted, reported as renamed.
    pub(crate) aliases: &'static [Alias],
    /// The version that introduced it.
    pub(crate) since: &'static str,
    /// Its name in the vault, for secrets that can live there.
    pub(crate) vault: Option<&'static str>,
}

/// When a variable must have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Never.
    Optional,
    /// In protected profiles.
    Protected,
    /// When another variable resolves to this value.
    When {
        /// The other variable.
        var: &'static str,
        /// Its value, in the syntax of the environment.
        is: &'static str,
    },
}

/// When a running server takes a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// At its next start.
    Restart,
    /// On SIGHUP or by itself.
    Live,
}

/// Who reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    /// `ultra serve`.
    Server,
    /// The other commands.
    Cli,
    /// Both.
    Both,
}

/// Another name for a variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    /// The other name.
    pub(crate) name: &'static str,
    /// How its value is written in terms of the variable; `None` for a value that has no
    /// equivalent.
    pub(crate) convert: fn(&str) -> Option<String>,
    /// Whether the variable's own name counts where both are set and disagree, rather than nobody
    /// knowing which is meant: the vendor's own libraries have it so.
    pub(crate) yields: bool,
}

impl Alias {
    /// An alias whose values mean the same.
    pub(crate) const fn same(name: &'static str) -> Self {
        Self { name, convert: |value| Some(value.to_owned()), yields: false }
    }

    /// An alias whose values mean the same, and that does not count beside the variable itself.
    pub(crate) const fn yielding(name: &'static str) -> Self {
        Self { yields: true, ..Self::same(name) }
    }

    /// An alias whose values are written differently.
    pub(crate) const fn converted(name: &'static str, convert: fn(&str) -> Option<String>) -> Self {
        Self { name, convert, yields: false }
    }
}

impl VarSpec {
    /// What a declaration leaves unsaid.
    pub(crate) const UNSAID: Self = Self {
        name: "",
        group: "",
        doc: "",
        kind: Kind::Text,
        default: None,
        example: None,
        secret: false,
        need: Need::Optional,
        bootstrap: false,
        internal: false,
        operator: false,
        reload: Reload::Restart,
        consumer: Consumer::Server,
        aliases: &[],
        since: "0.1.0",
        vault: None,
    };
}

/// Declares a group of variables.
///
/// ```ignore
/// settings! {
///     /// Where answers are remembered.
///     pub(crate) struct CacheSettings in "cache" {
///         /// Which cache is used.
///         kind: CacheKind = "ULTRA_CACHE" { default: Some("memory") },
///         /// Address of the Redis server.
///         url: Option<SecretRef> = "REDIS_URL" { need: Need::When { var: "ULTRA_CACHE", is: "redis" } },
///     }
/// }
/// ```
///
/// A field of type `T` must have a default; `Option<T>` may be unset; `Option<SecretRef>` is a
/// secret that is not opened here. The braces hold fields of [`VarSpec`]. Variables that are used
/// by their names, not as fields, stand in a block `declared { "NAME": Type { … }, }` behind the
/// struct; their values are checked all the same.
macro_rules! settings {
    (
        $(#[doc = $group_doc:literal])+
        pub(crate) struct $group:ident in $group_name:literal {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $ty:ty = $name:literal { $($key:ident : $value:expr),* $(,)? }
            ),* $(,)?
        }
        $(declared {
            $(
                $(#[doc = $d_doc:literal])+
                $d_name:literal : $d_ty:ty { $($d_key:ident : $d_value:expr),* $(,)? }
            ),* $(,)?
        })?
    ) => {
        $(#[doc = $group_doc])+
        #[derive(Clone, Debug)]
        pub(crate) struct $group {
            $( $(#[doc = $doc])+ pub(crate) $field: $ty, )*
        }

        impl $group {
            /// What the group is about.
            pub(crate) const DOC: &'static str = concat!($($group_doc, "\n"),+);

            /// Its variables, in the order of their declaration.
            pub(crate) const VARS: &'static [$crate::settings::catalogue::VarSpec] = &[
                $( $crate::settings::catalogue::VarSpec {
                    name: $name,
                    group: $group_name,
                    doc: concat!($($doc, "\n"),+),
                    kind: <$ty as $crate::settings::value::Field>::KIND,
                    secret: <$ty as $crate::settings::value::Field>::SECRET,
                    $( $key: $value, )*
                    ..$crate::settings::catalogue::VarSpec::UNSAID
                }, )*
                $($( $crate::settings::catalogue::VarSpec {
                    name: $d_name,
                    group: $group_name,
                    doc: concat!($($d_doc, "\n"),+),
                    kind: <$d_ty as $crate::settings::value::Field>::KIND,
                    secret: <$d_ty as $crate::settings::value::Field>::SECRET,
                    $( $d_key: $d_value, )*
                    ..$crate::settings::catalogue::VarSpec::UNSAID
                }, )*)?
            ];

            /// Reads the group from what won; every problem is reported, and `None` returned if
            /// there was an error.
            pub(crate) fn read(
                resolution: &$crate::settings::resolution::Resolution,
                problems: &mut Vec<$crate::report::Problem>,
            ) -> Option<Self> {
                $( let $field = <$ty as $crate::settings::value::Field>::read($name, resolution, problems); )*
                let declared: &[bool] = &[
                    $($( <$d_ty as $crate::settings::value::Field>::read($d_name, resolution, problems).is_some(), )*)?
                ];
                if declared.contains(&false) {
                    return None;
                }
                Some(Self { $( $field: $field?, )* })
            }
        }
    };
}
pub(crate) use settings;

/// All variables, grouped: group name, what it is about, its variables.
pub(crate) const GROUPS: &[(&str, &str, &[VarSpec])] = super::groups::GROUPS;

/// All variables in the order of their declaration.
pub(crate) fn all() -> impl Iterator<Item = &'static VarSpec> + Clone {
    GROUPS.iter().flat_map(|(_, _, vars)| vars.iter())
}

/// What a name of the catalogue names.
#[derive(Clone, Copy)]
enum Named {
    /// A variable.
    Variable(&'static VarSpec),
    /// Another name of one.
    Alias(&'static VarSpec, &'static Alias),
}

/// All names in order, for every name of a process is looked up at each start.
static NAMES: LazyLock<Vec<(&str, Named)>> = LazyLock::new(|| {
    let mut names: Vec<(&str, Named)> = Vec::new();
    for spec in all() {
        names.push((spec.name, Named::Variable(spec)));
        names.extend(spec.aliases.iter().map(|alias| (alias.name, Named::Alias(spec, alias))));
    }
    names.sort_unstable_by_key(|(name, _)| *name);
    names
});

fn named(name: &str) -> Option<Named> {
    let at = NAMES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    NAMES.get(at).map(|(_, named)| *named)
}

/// The variable with this name; aliases are not looked at.
pub(crate) fn find(name: &str) -> Option<&'static VarSpec> {
    match named(name)? {
        Named::Variable(spec) => Some(spec),
        Named::Alias(..) => None,
    }
}

/// The variable that this name is an alias of, and the alias.
pub(crate) fn find_alias(name: &str) -> Option<(&'static VarSpec, &'static Alias)> {
    match named(name)? {
        Named::Variable(_) => None,
        Named::Alias(spec, alias) => Some((spec, alias)),
    }
}

/// The variable that is kept in the vault under this name (`openai` → `OPENAI_API_KEY`).
pub(crate) fn find_vault(name: &str) -> Option<&'static VarSpec> {
    all().find(|spec| spec.vault == Some(name))
}

/// Whether a variable, one of its aliases, or either with `_FILE` behind it, is the operator's.
pub(crate) fn is_operators(name: &str) -> bool {
    let spec = |name| find(name).or_else(|| find_alias(name).map(|(spec, _)| spec));
    spec(name).or_else(|| spec(name.strip_suffix("_FILE")?)).is_some_and(|spec| spec.operator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_aliases_are_unique_and_upper_snake() {
        let mut seen = BTreeSet::new();
        for name in
            all().flat_map(|s| std::iter::once(s.name).chain(s.aliases.iter().map(|a| a.name)))
        {
            assert!(seen.insert(name), "{name} is declared twice");
            assert!(
                name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_variable_is_documented_in_a_sentence() {
        for spec in all() {
            let first = spec.doc.trim().lines().next().unwrap_or_default();
            assert!(first.len() > 10, "{} needs a sentence", spec.name);
            assert!(spec.doc.trim().ends_with('.'), "{}: {:?} is no sentence", spec.name, spec.doc);
        }
    }

    #[test]
    fn secrets_have_no_default_and_needs_name_known_values() {
        for spec in all() {
            assert!(
                !(spec.secret && spec.default.is_some()),
                "{} is a secret with a default",
                spec.name
            );
            for text in spec.default.iter().chain(spec.example.iter()) {
                if !spec.secret {
                    spec.kind.check(text).unwrap_or_else(|e| panic!("{}: {text}: {e}", spec.name));
                }
            }
            if let Need::When { var, is } = spec.need {
                find(var).unwrap().kind.check(is).unwrap();
            }
        }
    }

    #[test]
    fn what_is_the_operators_is_a_secret_of_the_command_line() {
        for spec in all().filter(|spec| spec.operator) {
            assert!(spec.secret && spec.internal && spec.vault.is_some(), "{}", spec.name);
            assert_eq!(spec.consumer, Consumer::Cli, "{}", spec.name);
        }
        assert!(is_operators("OPENAI_ADMIN_KEY") && is_operators("ANTHROPIC_ADMIN_KEY_FILE"));
        assert!(!is_operators("OPENAI_API_KEY"));
    }

    #[test]
    fn vault_names_are_unique() {
        let mut seen = BTreeSet::new();
        for name in all().filter_map(|s| s.vault) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
