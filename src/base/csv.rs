//! Comma-separated values (RFC 4180): reading with the place of every field, and writing what a
//! spreadsheet takes for data and nothing else.

/// A field and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its text, without quotes around it.
    pub(crate) text: String,
    /// The column of its first character, from 1, in characters.
    pub(crate) column: u32,
}

/// A line with fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its line, from 1.
    pub(crate) line: u32,
    /// Its fields, at least one.
    pub(crate) fields: Vec<Field>,
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column, from 1, in characters.
    pub(crate) column: u32,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

/// The rows of a text. Blank lines and those that begin with `#` are left out; a row is one line,
/// and a byte order mark and CR LF are accepted. Every line that cannot be read is told.
pub(crate) fn read(text: &str) -> (Vec<Row>, Vec<Broken>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut broken) = (Vec::new(), Vec::new());
    for (line, content) in (1_u32..).zip(text.lines()) {
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        match fields(content) {
            Ok(fields) => rows.push(Row { line, fields }),
            Err((column, what)) => broken.push(Broken { line, column, what }),
        }
    }
    (rows, broken)
}

fn fields(line: &str) -> Result<Vec<Field>, (u32, &'static str)> {
    let mut fields = Vec::new();
    let mut rest = (1_u32..).zip(line.chars()).peekable();
    let mut column = 1;
    loop {
        let mut text = String::new();
        if rest.next_if(|(_, c)| *c == '"').is_some() {
            loop {
                match rest.next() {
                    None => return Err((column, "the quote is not closed on this line")),
                    Some((_, '"')) if rest.next_if(|(_, c)| *c == '"').is_some() => text.push('"'),
                    Some((_, '"')) => break,
                    Some((_, c)) => text.push(c),
                }
            }
            if let Some((at, _)) = rest.next_if(|(_, c)| *c != ',') {
                return Err((at, "a comma must follow a closed quote"));
            }
        } else {
            while let Some((at, c)) = rest.next_if(|(_, c)| *c != ',') {
                if c == '"' {
                    return Err((at, "a quote may only stand around a whole field"));
                }
                text.push(c);
            }
        }
        fields.push(Field { text, column });
        match rest.next() {
            None => return Ok(fields),
            Some((comma, _)) => column = comma + 1,
        }
    }
}

/// A text as a field. One that a spreadsheet would take for a formula gets an apostrophe in front,
/// which spreadsheets read as "this is text": names of keys and models come from elsewhere.
pub(crate) fn text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guarded = if formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) || guarded != guarded.trim() {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_their_places() {
        let (rows, broken) = read("\u{feff}# note\r\na,\"b,\"\"c\"\"\",\r\n\n  \nü,é\n");
        assert_eq!(broken, []);
        let shown: Vec<(u32, Vec<(u32, &str)>)> = rows
            .iter()
            .map(|r| (r.line, r.fields.iter().map(|f| (f.column, f.text.as_str())).collect()))
            .collect();
        assert_eq!(
            shown,
            [(2, vec![(1, "a"), (3, "b,\"c\""), (13, "")]), (5, vec![(1, "ü"), (3, "é")])]
        );
    }

    #[test]
    fn every_broken_line_is_told() {
        let (rows, broken) = read("a,\"b\n\"a\"b,c\nok\na\"b");
        assert_eq!(rows.len(), 1);
        let places: Vec<(u32, u32)> = broken.iter().map(|b| (b.line, b.column)).collect();
        assert_eq!(places, [(1, 3), (2, 4), (4, 2)]);
    }

    #[test]
    fn no_text_is_a_formula_or_breaks_out_of_its_field() {
        for (raw, written) in [
            ("gpt-4o", "gpt-4o"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@cmd", "'@cmd"),
            ("-2", "'-2"),
            ("+1,2", "\"'+1,2\""),
            ("\t=1", "'\t=1"),
            ("a\r\nb", "\"a\r\nb\""),
            (" a", "\" a\""),
        ] {
            assert_eq!(text(raw), written, "{raw:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for raw in ["plain", "a,b", "q\"uote\"", " x ", ""] {
            let line = format!("{},{}", text(raw), text("end"));
            let (rows, broken) = read(&line);
            assert_eq!(broken, []);
            assert_eq!(rows[0].fields[0].text, raw);
        }
    }
}
