//! How a file is written: what other programs trip over and `env fmt` mends.

use super::{File, Findings, Rule};
use crate::settings::dotenv::{Ending, LineKind};

const FORMAT: &str = "`ultra env fmt` mends it";

pub(super) const BYTE_ORDER_MARK: Rule = Rule {
    code: "byte-order-mark",
    doc: "The file does not begin with a byte order mark, which other programs take for a part of the first name.",
    judge: |file, findings| {
        let mark = file.document.lines.first().filter(|l| matches!(l.kind, LineKind::Bom));
        if let Some(line) = mark {
            findings.warn(
                line,
                line.span.start,
                || "the file begins with a byte order mark".to_owned(),
                |p| p.why("some programs take it for a part of the first name").hint(FORMAT),
            );
        }
    },
};

pub(super) const CRLF: Rule = Rule {
    code: "crlf",
    doc: "Lines end with LF alone: a shell takes the CR for a part of the value.",
    judge: |file, findings| {
        let mut lines = file.document.lines.iter().filter(|line| line.ending == Ending::CrLf);
        if let Some(line) = lines.next() {
            let more = lines.count();
            findings.warn(
                line,
                line.span.end.saturating_sub(Ending::CrLf.len()),
                || "the line ends with CR and LF".to_owned(),
                |p| {
                    let more = match more {
                        0 => String::new(),
                        1 => "; 1 more line does".to_owned(),
                        n => format!("; {n} more lines do"),
                    };
                    p.why(format!("a shell takes the CR for a part of the value{more}"))
                        .hint(FORMAT)
                },
            );
        }
    },
};

pub(super) const FINAL_NEWLINE: Rule = Rule {
    code: "missing-final-newline",
    doc: "The last line ends: what is appended would become a part of it.",
    judge: |file, findings| {
        let last = file.document.lines.last();
        if let Some(line) = last.filter(|l| l.ending == Ending::None && l.kind.is_written()) {
            findings.warn(
                line,
                line.span.end,
                || "the last line has no end".to_owned(),
                |p| p.why("what is appended would become a part of it").hint(FORMAT),
            );
        }
    },
};

pub(super) const TRAILING_BLANKS: Rule = Rule {
    code: "trailing-blanks",
    doc: "No blanks stand at the end of a line: some programs take them for a part of the value.",
    judge: |file, findings| {
        for line in &file.document.lines {
            let end = line.span.end.saturating_sub(line.ending.len());
            let body = file.bytes.get(line.span.start..end).unwrap_or_default();
            let text = body.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |n| n + 1);
            if text < body.len() && line.kind.is_written() {
                findings.warn(
                    line,
                    line.span.start + text,
                    || "blanks stand at the end of the line".to_owned(),
                    |p| p.why("they are no part of the value").hint(FORMAT),
                );
            }
        }
    },
};

pub(super) const SPACING: Rule = Rule {
    code: "spacing",
    doc: "No blanks stand around `=`: a shell would run the name.",
    judge: spacing,
};

fn spacing(file: &File<'_>, findings: &mut Findings<'_>) {
    for (line, parts) in file.assignments() {
        let gap = file.bytes.get(parts.name.end..parts.value.start).unwrap_or_default();
        // Without a value the blanks belong to the comment or the end of the line.
        let blanks =
            if parts.value.len() == 0 { gap.first() != Some(&b'=') } else { gap.len() > 1 };
        if blanks {
            findings.warn(
                line,
                parts.name.end,
                || "blanks stand around `=`".to_owned(),
                |p| p.why("a shell would run the name as a command").hint(FORMAT),
            );
        }
    }
}
