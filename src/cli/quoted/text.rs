//! Finds the texts in which command lines are quoted, and the command lines in them.

#![expect(clippy::string_slice, reason = "a test, which may end where a text is cut wrongly")]

/// What a text is written in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Language {
    Rust,
    Markdown,
    /// Code whose comments begin with `#`.
    Script,
}

/// A quoted text with the line it begins on; it may name more than one command line.
pub(super) type Quote = (usize, String);

/// The texts in which command lines are quoted.
pub(super) fn quotes(text: &str, language: Language) -> Vec<Quote> {
    match language {
        Language::Rust => {
            // A test module is the last item of its file.
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            let mut found = Vec::new();
            for (line, literal) in literals(code) {
                if literal.starts_with("ultra ") {
                    found.push((line, literal));
                } else {
                    let inner = spans(&literal, line).into_iter();
                    found.extend(inner.filter(|(_, span)| span.starts_with("ultra ")));
                    // Outside of backticks `ultra` is mostly a word of prose.
                    for mark in [": ultra ", "; ultra ", "$(ultra "] {
                        found.extend(literal.match_indices(mark).map(|(at, _)| {
                            let (_, command) = literal[at..].split_at(2);
                            (line, command.trim_start().to_owned())
                        }));
                    }
                }
            }
            found
        }
        Language::Markdown | Language::Script => lines(text, language),
    }
}

fn lines(text: &str, language: Language) -> Vec<Quote> {
    let mut found = Vec::new();
    let (mut prose, mut code) = ((1, String::new()), (1, String::new()));
    let mut fenced = false;
    for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
        let fence = language == Language::Markdown && line.starts_with("```");
        let content = match language {
            Language::Script => line.trim_start_matches('#').trim(),
            Language::Rust | Language::Markdown => line,
        };
        let is_code = match language {
            Language::Script => !line.starts_with('#') || content.starts_with("ultra "),
            Language::Rust | Language::Markdown => fenced,
        };
        fenced ^= fence;
        if fence || is_code || content.is_empty() {
            found.append(&mut spans(&prose.1, prose.0));
            prose.1.clear();
        } else {
            if prose.1.is_empty() {
                prose.0 = n;
            }
            prose.1.push_str(&content.replace("\\|", "|"));
            prose.1.push('\n');
        }
        if is_code && !fence {
            if code.1.is_empty() {
                code.0 = n;
            }
            // The forms in which a Makefile and a Dockerfile write a command.
            let content = content.replace("$(ULTRA)", "ultra").replace("\", \"", " ");
            if let Some(first) = content.strip_suffix('\\') {
                code.1.push_str(first);
            } else {
                found.push((code.0, std::mem::take(&mut code.1) + &content));
            }
        }
    }
    found.append(&mut spans(&prose.1, prose.0));
    found
}

/// What stands in backticks in a text that begins on `line`.
fn spans(text: &str, line: usize) -> Vec<Quote> {
    let mut line = line;
    let mut found = Vec::new();
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            found.push((line, part.replace('\n', " ")));
        }
        line += part.matches('\n').count();
    }
    found
}

/// The string literals of Rust code, unescaped as far as it matters here, each with the line it
/// begins on.
fn literals(code: &str) -> Vec<Quote> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = code[at..].chars().next() {
        let rest = &code[at..];
        let past = |from: usize, end: &str| {
            rest[from..].find(end).map_or(rest.len(), |i| from + i + end.len())
        };
        let raw = rest.strip_prefix('r').map(|r| &r[..r.len() - r.trim_start_matches('#').len()]);
        let raw = raw.filter(|hashes| rest[1 + hashes.len()..].starts_with('"'));
        let literal = if let Some(hashes) = raw {
            let open = hashes.len() + 2;
            Some((open, past(open, &format!("\"{hashes}")), hashes.len() + 1))
        } else if c == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            Some((1, end.unwrap() + 2, 1))
        } else {
            None
        };
        at += if let Some((open, length, close)) = literal {
            let line = code[..at].matches('\n').count() + 1;
            found.push((line, unescaped(&rest[open..length - close])));
            length
        } else if rest.starts_with("//") {
            past(2, "\n")
        } else if rest.starts_with("/*") {
            past(2, "*/")
        } else if rest.starts_with("'\\") {
            past(3, "'")
        } else if c == '\'' {
            // A lifetime has no quote after its first letter.
            rest.char_indices().nth(2).filter(|(_, c)| *c == '\'').map_or(1, |(end, _)| end + 1)
        } else {
            c.len_utf8()
        };
    }
    found
}

/// Continued lines joined, quotes and line breaks as they are meant.
fn unescaped(literal: &str) -> String {
    let mut joined = String::new();
    for (n, part) in literal.split("\\\n").enumerate() {
        joined.push_str(if n == 0 { part } else { part.trim_start() });
    }
    joined.replace("\\n", "\n").replace("\\\"", "\"")
}

/// The command lines in a quote, each from the word after `ultra` to the end of its span or line.
pub(super) fn command_lines(quote: &str) -> impl Iterator<Item = &str> {
    const NAME: &str = "ultra ";
    quote.match_indices(NAME).filter_map(|(at, _)| {
        let before = quote[..at].chars().next_back();
        let rest = quote[at + NAME.len()..].split(['`', '\n']).next().unwrap();
        let line = rest.split(" ultra ").next().unwrap();
        let first = line.chars().next().unwrap_or(' ');
        // In the midst of other code, `ultra` can be a value of that, as in `--user ultra -x`.
        let begins = if before.is_none() { "-[_" } else { "_" };
        let stands = before.is_none_or(|c| " (\"`/*".contains(c)) && !line.starts_with("ultra");
        (stands && (first.is_ascii_lowercase() || begins.contains(first))).then_some(line)
    })
}
