//! What variables are set to. Values are judged and never shown.

use super::{File, Findings, Rule};
use crate::base::words;
use crate::settings::catalogue;
use crate::settings::dotenv::{LineKind, Quote, literal, normal_value, portable};
use crate::settings::rules::placeholder::is_placeholder;
use crate::settings::secretish::{self, name_for_message};

pub(super) const UNQUOTED: Rule = Rule {
    code: "unquoted-value",
    doc: "A value with blanks, `#` or quotes in it stands in quotes.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            let text = parts.value.of(file.bytes);
            let sign = text.iter().position(|b| b" \t#'\"`".contains(b));
            let (Quote::Nothing, Some(at)) = (parts.quote, sign) else { continue };
            let normal = normal_value(parts, file.bytes, file.document);
            let hint = match normal.first() {
                Some(b'\'' | b'"') => "`ultra env fmt` puts it in quotes",
                _ => {
                    "put it in single quotes, or in double ones and a backslash before what they replace"
                }
            };
            findings.warn(
                line,
                parts.value.start + at,
                || format!("the value of {} needs quotes", name_for_message(&entry.name)),
                |p| {
                    p.why("other programs end it at a blank, `#` or quote, or refuse it").hint(hint)
                },
            );
        }
    },
};

pub(super) const CHARACTERS: Rule = Rule {
    code: "odd-character",
    doc: "No line holds characters that cannot be seen or look like others: control characters, zero-width and no-break spaces, curly quotes.",
    judge: |file, findings| {
        for line in &file.document.lines {
            let end = match &line.kind {
                LineKind::Bom | LineKind::Comment(_) => continue,
                LineKind::Assignment(parts) => parts.value.end,
                LineKind::Blank | LineKind::Error => line.span.end,
            };
            let text = file.bytes.get(line.span.start..end).unwrap_or_default();
            let text = String::from_utf8_lossy(text);
            // The rest of a line with one is likely to have more of the same.
            let found = text
                .trim_end_matches(['\r', '\n'])
                .char_indices()
                .find_map(|(at, c)| Some((at, odd(c)?)));
            if let Some((at, what)) = found {
                findings.warn(
                    line,
                    line.span.start + at,
                    || format!("the line holds {what}"),
                    |p| p.why("it cannot be told from another character, and is read as it is"),
                );
            }
        }
    },
};

/// What is odd about a character, if anything.
fn odd(c: char) -> Option<&'static str> {
    Some(match c {
        '\t' | '\n' | '\r' | '\0' => return None,
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            "a space that is none"
        }
        '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => "a character without width",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a sign that turns the direction of writing"
        }
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "a curly quote",
        '\u{2028}' | '\u{2029}' => "a line separator",
        c if c.is_control() => "a control character",
        _ => return None,
    })
}

pub(super) const NOT_PORTABLE: Rule = Rule {
    code: "not-portable",
    doc: "Every value has a form that `dotenvy`, motdotla/dotenv and python-dotenv read alike.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            // A NUL is an error of its own, which no way of writing the value mends.
            let value = literal(&entry.value).filter(|value| !value.contains('\0'));
            if let Some(Err(why)) = value.map(portable) {
                findings.warn(
                    line,
                    parts.value.start,
                    || {
                        format!(
                            "the value of {} has no form that all programs read alike",
                            name_for_message(&entry.name)
                        )
                    },
                    |p| p.why(why).hint("`ultra env lint --compat` shows what each of them reads"),
                );
            }
        }
    },
};

pub(super) const PLACEHOLDER: Rule = Rule {
    code: "placeholder",
    doc: "No value stands for a value that somebody forgot to fill in.",
    judge: |file, findings| {
        for (line, parts, entry) in file.entries() {
            if literal(&entry.value).is_some_and(is_placeholder) {
                findings.warn(
                    line,
                    parts.value.start,
                    || format!("{} is a placeholder", name_for_message(&entry.name)),
                    |p| p.hint("replace it by the value it stands for"),
                );
            }
        }
    },
};

pub(super) const EXPOSED: Rule = Rule {
    code: "exposed-secret",
    doc: "No secret stands in a file that git tracks or that others can read.",
    judge: exposed,
};

fn exposed(file: &File<'_>, findings: &mut Findings<'_>) {
    let exposure = file.exposure;
    if !exposure.tracked && !exposure.others_read {
        return;
    }
    let shown = words::argument(file.shown);
    for (line, parts, entry) in file.entries() {
        let Some(text) = literal(&entry.value) else { continue };
        let declared = catalogue::find(&entry.name).map(|spec| spec.secret);
        let by_name = declared.unwrap_or_else(|| secretish::name(&entry.name));
        // A short word is a switch or a number and not a secret, whatever it is called.
        let secret =
            secretish::value(text) || (by_name && text.len() >= 6 && !is_placeholder(text));
        if !secret {
            continue;
        }
        let vault = catalogue::find(&entry.name).and_then(|spec| spec.vault);
        findings.error(
            line,
            parts.name.start,
            || {
                let who = if exposure.tracked {
                    "git tracks the file"
                } else {
                    "others can read the file"
                };
                format!("{} looks like a secret, and {who}", name_for_message(&entry.name))
            },
            |p| {
                let mend = if exposure.tracked {
                    format!("git rm --cached {shown}, and replace the secret")
                } else {
                    format!("chmod 600 {shown}")
                };
                let keep =
                    vault.map_or_else(String::new, |name| format!("; ultra keys set {name}"));
                p.hint(mend + &keep)
            },
        );
    }
}
