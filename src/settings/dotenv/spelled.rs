//! What a value says in every environment: its text with the names that it takes in, and with what
//! the file itself says of these.

use super::parse::Document;
use super::template::{Operator, Piece, Template, references};
use crate::settings::secretish;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What the file says of a name that is taken in stands as a digest if it is longer, so that
/// entries cannot double each other.
const LONGEST: usize = 256;

/// Begins such a digest; no other text is written so.
const DIGEST: &str = "$sha256:";

/// The entries that are `asked` for. `${PORT:-80}` stays as it is; with `PORT=81` further up in the
/// file it is `${PORT={81}:-80}`. `$$` is a dollar sign of the text. Two values that could differ in
/// any environment are not written alike. For people there is [`told`].
pub(crate) fn spelled(
    document: &Document,
    asked: &dyn Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let mut taken_in = BTreeSet::new();
    for entry in &document.entries {
        references(&entry.value, &mut |name| {
            taken_in.insert(name.to_owned());
        });
    }
    let mut above: BTreeMap<&str, String> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for entry in &document.entries {
        if asked(&entry.name) {
            let mut text = String::new();
            write(&entry.value, false, &above, &mut text);
            all.insert(entry.name.clone(), text);
        }
        if taken_in.contains(&entry.name) {
            let mut text = String::new();
            write(&entry.value, true, &above, &mut text);
            let secret = secretish::variable(&entry.name) || secretish::value(&text);
            if secret || text.len() > LONGEST {
                text = format!("{DIGEST}{}", HEXLOWER.encode(&Sha256::digest(&text)));
            }
            above.insert(&entry.name, text);
        }
    }
    all
}

/// The names that an entry takes in and the file says only further down: what it says of them is not
/// in what [`spelled`] writes, though it may come into the environment.
pub(crate) fn said_later(document: &Document) -> BTreeSet<&str> {
    let mut taken_in = BTreeSet::new();
    let mut later = BTreeSet::new();
    for entry in &document.entries {
        references(&entry.value, &mut |name| {
            taken_in.insert(name.to_owned());
        });
        if taken_in.contains(&entry.name) {
            later.insert(&*entry.name);
        }
    }
    later
}

/// A spelled value for people: what stands as a digest may be a secret.
pub(crate) fn told(spelled: &str) -> String {
    let mut parts = spelled.split(DIGEST);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        told.push('…');
        told.push_str(part.get(64..).unwrap_or_default());
    }
    told
}

fn write(template: &Template, within: bool, above: &BTreeMap<&str, String>, out: &mut String) {
    for piece in template {
        match piece {
            Piece::Text(text) => {
                for c in text.chars() {
                    match c {
                        '$' => out.push_str("$$"),
                        '{' if within => out.push_str("$("),
                        '}' if within => out.push_str("$)"),
                        c => out.push(c),
                    }
                }
            }
            Piece::Reference { name, operator, word, .. } => {
                out.push_str("${");
                out.push_str(name);
                if let Some(text) = above.get(name.as_str()) {
                    out.push_str("={");
                    out.push_str(text);
                    out.push('}');
                }
                out.push_str(match operator {
                    Operator::Value => "",
                    Operator::OrIfEmpty => ":-",
                    Operator::OrIfUnset => "-",
                    Operator::Require => ":?",
                    Operator::IfSet => ":+",
                });
                // The message of a requirement never becomes a part of the value.
                if *operator != Operator::Require {
                    write(word, true, above, out);
                }
                out.push('}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{spelled, told};
    use crate::settings::dotenv::parse;
    use std::path::Path;

    fn last(text: &str) -> String {
        let document = parse(Path::new(".env"), text.as_bytes(), &mut Vec::new());
        spelled(&document, &|name| name == "A").remove("A").unwrap()
    }

    #[test]
    fn values_that_could_differ_are_not_written_alike() {
        assert_eq!(last("A=http://localhost:${PORT:-80}/v1\n"), "http://localhost:${PORT:-80}/v1");
        assert_eq!(last("PORT=81\nA=x${PORT:-80}\n"), "x${PORT={81}:-80}");
        assert_eq!(last("A=x${PORT}\nPORT=81\n"), "x${PORT}");
        assert_eq!(last("A='x${PORT}'\n"), "x$${PORT}");
        assert_ne!(last("B='y}z'\nA=${B}\n"), last("B=y\nA='${B}z}'\n"));
        let [one, two] = ["hT83kd02", "hT83kd03"].map(|password| {
            last(&format!("DB_PASSWORD={password}\nA=postgres://${{DB_PASSWORD}}@h/db\n"))
        });
        assert_ne!(one, two);
        assert_eq!(told(&one), "postgres://${DB_PASSWORD={…}}@h/db");
        assert_eq!(told(&one), told(&two));
    }
}
