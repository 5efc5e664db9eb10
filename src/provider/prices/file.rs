//! Price lists as files: comma-separated, a header that names the columns, prices in micro-dollars
//! per million tokens.

use super::{Facts, Kind, Price};
use crate::base::csv::{self, Field};
use crate::base::{file, near};
use crate::report::{Place, Problem};
use jiff::civil::Date;
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// A larger file is no price list.
const LARGEST: u64 = 4 << 20;

/// The greatest price: a dollar a token. A dearer one is a wrong unit.
const DEAREST: u64 = 1_000_000_000_000;

/// The greatest number of tokens; more is a slip.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// The columns of a list.
const COLUMNS: [&str; 14] = [
    "provider",
    "model",
    MODE,
    CONTEXT,
    MAX_OUTPUT,
    INPUT,
    OUTPUT,
    CACHE_READ,
    CACHE_WRITE_5M,
    CACHE_WRITE_1H,
    TOOLS,
    VISION,
    REASONING,
    DEPRECATED,
];

/// What kind of model it is; a word that is not known here says nothing.
const MODE: &str = "mode";
const CONTEXT: &str = "max_input_tokens";
const MAX_OUTPUT: &str = "max_output_tokens";
const TOOLS: &str = "tools";
const VISION: &str = "vision";
const REASONING: &str = "reasoning";
const DEPRECATED: &str = "deprecation_date";

const INPUT: &str = "input_microusd_per_mtok";
const OUTPUT: &str = "output_microusd_per_mtok";
const CACHE_READ: &str = "cache_read_microusd_per_mtok";
const CACHE_WRITE_5M: &str = "cache_write_5m_microusd_per_mtok";
const CACHE_WRITE_1H: &str = "cache_write_1h_microusd_per_mtok";

/// A model, its price, and what else is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) price: Price,
    pub(super) facts: Facts,
}

/// An operator's own prices.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(super) rows: Vec<Row>,
    /// The file, for the version of the prices.
    pub(super) bytes: Vec<u8>,
}

/// What is wrong at a place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    line: u32,
    column: u32,
    what: String,
    hint: Option<String>,
}

fn wrong(line: u32, column: u32, what: impl Into<String>) -> Wrong {
    Wrong { line, column, what: what.into(), hint: None }
}

/// Reads the prices of an operator; `None` if the file is not there.
///
/// # Errors
/// It cannot be read, or every problem of its lines.
pub(crate) fn overlay(path: &Path) -> Result<Option<Overlay>, Vec<Problem>> {
    let unreadable = |e: &io::Error| {
        vec![Problem::unreadable(format!("cannot read the prices `{}`", path.display()), path, e)]
    };
    let bytes = match file::read_bounded(path, LARGEST) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(e) => return Err(unreadable(&e)),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let e = io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
        return Err(unreadable(&e));
    };
    let (rows, problems) = read(text);
    if problems.is_empty() {
        return Ok(Some(Overlay { rows, bytes }));
    }
    let problem = |wrong: Wrong| {
        Problem::error("bad-prices", wrong.what)
            .at(Place::at(path, wrong.line, wrong.column))
            .maybe_hint(wrong.hint)
    };
    Err(problems.into_iter().map(problem).collect())
}

/// The rows of a list, and everything that is wrong in it.
pub(super) fn read(text: &str) -> (Vec<Row>, Vec<Wrong>) {
    let (lines, broken) = csv::read(text);
    let mut problems: Vec<Wrong> =
        broken.into_iter().map(|b| wrong(b.line, b.column, b.what)).collect();
    let mut lines = lines.into_iter();
    let Some(header) = lines.next() else {
        problems.push(wrong(1, 1, format!("the first line must name the columns, {}", named())));
        return (Vec::new(), problems);
    };
    let before = problems.len();
    let columns = columns(&header.fields, header.line, &mut problems);
    if problems.len() > before {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        return (Vec::new(), problems);
    }
    let mut rows = Vec::new();
    let mut first: HashMap<(String, String), u32> = HashMap::new();
    for line in lines {
        if line.fields.len() != columns.len() {
            let what = format!(
                "the line has {} fields, the header names {}",
                line.fields.len(),
                columns.len()
            );
            problems.push(wrong(line.line, 1, what));
            continue;
        }
        let cells: HashMap<&str, &Field> = columns.iter().copied().zip(&line.fields).collect();
        let before = problems.len();
        let row = row(&cells, line.line, &mut problems);
        if problems.len() > before {
            continue;
        }
        let name = (row.provider.clone(), row.model.clone());
        if let Some(other) = first.insert(name, line.line) {
            let what = format!("`{}` of `{}` is on line {other} too", row.model, row.provider);
            problems.push(wrong(line.line, 1, what));
        }
        rows.push(row);
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (rows, problems)
}

fn named() -> String {
    format!("such as `provider,model,{INPUT},{OUTPUT}`")
}

/// The column that each field of the header names.
fn columns(header: &[Field], line: u32, problems: &mut Vec<Wrong>) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = Vec::new();
    for field in header {
        let name = field.text.trim();
        match COLUMNS.into_iter().find(|column| *column == name) {
            Some(column) if columns.contains(&column) => {
                problems.push(wrong(
                    line,
                    field.column,
                    format!("the column `{name}` is named twice"),
                ));
            }
            Some(column) => columns.push(column),
            None => {
                let shown: String = name.chars().take(60).collect();
                let mut unknown =
                    wrong(line, field.column, format!("there is no column `{shown}`"));
                unknown.hint = near::hint(name, COLUMNS);
                problems.push(unknown);
            }
        }
    }
    for needed in ["provider", "model"] {
        if !columns.contains(&needed) {
            problems.push(wrong(
                line,
                1,
                format!("the header does not name the column `{needed}`"),
            ));
        }
    }
    columns
}

fn row(cells: &HashMap<&str, &Field>, line: u32, problems: &mut Vec<Wrong>) -> Row {
    let mut name = |column: &str| {
        let Some(field) = cells.get(column) else { return String::new() };
        let text = field.text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            problems.push(wrong(line, field.column, format!("`{column}` must be a name")));
        }
        text.to_owned()
    };
    let (provider, model) = (name("provider"), name("model"));
    let mut price = |column: &str| {
        let field = cells.get(column)?;
        let text = field.text.trim();
        if text.is_empty() {
            return None;
        }
        let price = text
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<u64>().ok().filter(|price| *price <= DEAREST))
            .flatten();
        if price.is_none() {
            let what = format!(
                "`{column}` must be a whole number of micro-dollars per million tokens, from 0 to \
                 {DEAREST}, or empty where it is unknown"
            );
            let mut bad = wrong(line, field.column, what);
            bad.hint = Some("0.15 USD per million tokens is 150000".to_owned());
            problems.push(bad);
        }
        price
    };
    let price = Price {
        input: price(INPUT),
        output: price(OUTPUT),
        cache_read: price(CACHE_READ),
        cache_write_5m: price(CACHE_WRITE_5M),
        cache_write_1h: price(CACHE_WRITE_1H),
    };
    let facts = facts(cells, line, problems);
    Row { provider, model, price, facts }
}

/// What a row says besides prices.
fn facts(cells: &HashMap<&str, &Field>, line: u32, problems: &mut Vec<Wrong>) -> Facts {
    let mut read = |column: &str, what: &str, fits: &dyn Fn(&str) -> bool| {
        let field = cells.get(column)?;
        let text = field.text.trim();
        if text.is_empty() {
            return None;
        }
        if fits(text) {
            return Some(text.to_owned());
        }
        let what = format!("`{column}` must be {what}, or empty where it is unknown");
        problems.push(wrong(line, field.column, what));
        None
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
    let tokens = |text: &str| number(text).flatten().filter(|n| *n <= MOST_TOKENS);
    let flag = |text: &str| match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    };
    let date = |text: &str| text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let mut count = |column| {
        let text = read(column, "a whole number of tokens", &|text| tokens(text).is_some())?;
        tokens(&text)
    };
    let (context, max_output) = (count(CONTEXT), count(MAX_OUTPUT));
    let mut yes = |column| flag(&read(column, "`1` or `0`", &|text| flag(text).is_some())?);
    Facts {
        context,
        max_output,
        kind: cells.get(MODE).and_then(|field| Kind::parse(field.text.trim())),
        tools: yes(TOOLS),
        vision: yes(VISION),
        reasoning: yes(REASONING),
        deprecated: read(DEPRECATED, "a date such as `2026-11-30`", &|text| date(text).is_some())
            .and_then(|text| date(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<(u32, u32)> {
        read(text).1.iter().map(|wrong| (wrong.line, wrong.column)).collect()
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let text = format!(
            "# ours\nprovider,model,{INPUT},{OUTPUT}\nopenai,a,0.15,1\nopenai,b,-1,x\nopenai\n\
             ,c,1,1\nopenai,d,\"1,1\nopenai,e,1000000000001,1\nopenai,f,1,1\nopenai,f,2,2\n"
        );
        assert_eq!(
            places(&text),
            [(3, 10), (4, 10), (4, 13), (5, 1), (6, 1), (7, 10), (8, 10), (10, 1)]
        );
    }

    #[test]
    fn a_header_that_cannot_be_understood_is_the_only_problem() {
        assert_eq!(places(""), [(1, 1)]);
        assert_eq!(places("provider,modle,provider\nx,y,z,1\n"), [(1, 1), (1, 10), (1, 16)]);
        let (_, problems) = read("provider,modle\n");
        assert!(problems.iter().any(|p| p.hint.as_deref().is_some_and(|h| h.contains("`model`"))));
    }

    #[test]
    fn columns_may_stand_in_any_order_and_prices_be_left_out() {
        let (rows, problems) = read(&format!("{OUTPUT},model,provider\n7, m ,p\n,n,p\n"));
        assert_eq!(problems, []);
        assert_eq!(rows[0].price, Price { output: Some(7), ..Price::default() });
        assert_eq!((rows[0].model.as_str(), rows[1].price), ("m", Price::default()));
    }

    #[test]
    fn what_else_is_known_is_read_and_judged() {
        let head = format!("provider,model,{CONTEXT},{TOOLS},{VISION},{DEPRECATED}\n");
        let (rows, problems) = read(&format!("{head}p,m,128000,1,false,2026-11-30\np,n,,,,\n"));
        assert_eq!(problems, []);
        let facts = Facts {
            context: Some(128_000),
            tools: Some(true),
            vision: Some(false),
            deprecated: Some(jiff::civil::date(2026, 11, 30)),
            ..Facts::default()
        };
        assert_eq!((rows[0].facts, rows[1].facts), (facts, Facts::default()));
        let bad = format!("{head}p,m,12k,yes,2,soon\np,n,,,,20261130\n");
        assert_eq!(places(&bad), [(2, 5), (2, 9), (2, 13), (2, 15), (3, 8)]);
    }
}
