//! What is written reads back the same: here, and in the real programs.

use super::compat::Tool;
use super::compat::tests::{model, tools};
use super::write::Misread;
use super::{Outside, expand, format, parse, portable};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::Path;

/// The programs that must agree about everything that is written.
const AGREEING: [Tool; 4] = [Tool::Dotenvy, Tool::Motdotla, Tool::Python, Tool::Node];

/// Values of all kinds, the same in each run.
fn values(count: usize) -> Vec<String> {
    let strategy = prop_oneof![
        "[^\0]{0,40}",
        "[ -~]{0,30}",
        proptest::collection::vec("['\"\\\\$\\{\\}#`\n\r\t =a!~*;&|<>()é\u{a0}]", 0..10)
            .prop_map(|all| all.concat()),
        "[a-zA-Z0-9_./:@%+,=-]{0,20}",
        "(postgres|https)://[a-z]{3}:[!-~]{8}@[a-z.]{8}/[a-z?=&]{0,12}",
        "-----BEGIN KEY-----\n([A-Za-z0-9+/]{20}\n){1,3}-----END KEY-----\n?",
        r#"\{"[a-z]{1,4}": ("[a-z ]{0,6}"|[0-9]{1,3}|\[\])\}"#,
        "[\\\\A-Za-z:. ]{1,16}",
    ];
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn what_is_written_is_read_alike_by_the_real_programs() {
    let mut file = String::new();
    let mut expected: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut refused = 0;
    for (n, value) in values(600).into_iter().enumerate() {
        match portable(&value) {
            Ok(form) => {
                file.push_str(&format!("V{n}={form}\n"));
                expected.insert(format!("V{n}").into_bytes(), value.into_bytes());
            }
            Err(_) => refused += 1,
        }
    }
    // Most values have a form, and those without are not passed over in silence.
    assert!(expected.len() > 350 && refused > 50, "{} {refused}", expected.len());
    let differ = |tool: Tool, values: &BTreeMap<Vec<u8>, Vec<u8>>| {
        for (name, value) in &expected {
            let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
            let real = values.get(name.as_bytes()).map(|real| String::from_utf8_lossy(real));
            assert_eq!(real.as_deref(), Some(&*value), "{} {name}", tool.name());
        }
        assert_eq!(values.len(), expected.len(), "{}", tool.name());
    };
    let rust = dotenvy::from_read_iter(file.as_bytes());
    let rust = rust.map(|item| item.map(|(name, value)| (name.into_bytes(), value.into_bytes())));
    differ(Tool::Dotenvy, &rust.collect::<Result<_, _>>().unwrap());
    for tool in [Tool::Motdotla, Tool::Python, Tool::Node] {
        let Some(real) = tools::run(tool, &[file.clone().into_bytes()]) else { continue };
        differ(tool, real.0[0].values.as_ref().unwrap());
    }
    let document = parse(Path::new(".env"), file.as_bytes(), &mut Vec::new());
    let ours = expand(&document, &Outside::NOTHING, &mut Vec::new());
    let ours = ours.into_iter().map(|e| (e.name.into_bytes(), e.text.into_bytes()));
    assert!(ours.eq(expected_in_order(&expected)), "ours differ");
    // The formatter has nothing to mend in what the writer writes.
    assert_eq!(format(file.as_bytes(), &document).unwrap().concat(), file.as_bytes());
}

/// By number, as they were written.
fn expected_in_order(
    expected: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + use<> {
    let number = |name: &[u8]| String::from_utf8_lossy(&name[1..]).parse::<usize>().unwrap();
    let mut all: Vec<_> = expected.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
    all.sort_by_key(|(name, _)| number(name));
    all.into_iter()
}

/// Whether the model of the program reads the form as the value.
fn reads(tool: Tool, form: &str, value: &str) -> bool {
    let reading = model(tool)(format!("A=1\nX={form}\nY=1\n").as_bytes());
    let is = |name: &str, value: &str| {
        let item = reading.values.get(name.as_bytes());
        item.is_some_and(|item| item.value.is_text(value.as_bytes()))
    };
    reading.values.len() == 3 && is("X", value) && is("A", "1") && is("Y", "1")
}

#[test]
fn what_is_refused_has_no_form_that_all_read_alike() {
    let signs = ["a", "'", "\"", "\\", "$", "{", "}", "#", " ", "\n", "\r", "`", "n", "="];
    let mut texts = vec![String::new()];
    let mut last = texts.clone();
    for _ in 0..3 {
        last = last.iter().flat_map(|t| signs.iter().map(move |s| format!("{t}{s}"))).collect();
        texts.extend(last.clone());
    }
    texts.extend(["${a}", "a${a:-b}c", "it's $a", "it's a\\n", "'\"a\"'"].map(String::from));
    for text in texts {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        let lines = |text: &str| text.replace('\n', "\\n").replace('\r', "\\r");
        let mut forms: Vec<String> = vec![text.clone()];
        forms.extend(["'", "`"].map(|q| format!("{q}{text}{q}")));
        forms
            .extend([&text, &escaped, &lines(&text), &lines(&escaped)].map(|t| format!("\"{t}\"")));
        let alike = |form: &String| AGREEING.into_iter().all(|tool| reads(tool, form, &text));
        match portable(&text) {
            Ok(form) => assert!(alike(&form), "{text:?} as {form:?}"),
            Err(_) => {
                let form =
                    forms.iter().find(|form| ours(form).as_deref() == Some(&text) && alike(form));
                assert_eq!(form, None, "{text:?}");
            }
        }
    }
    assert_eq!(portable("a\0"), Err(Misread::Nul));
}

/// What we read.
fn ours(form: &str) -> Option<String> {
    let mut problems = Vec::new();
    let document = parse(Path::new(".env"), format!("X={form}\n").as_bytes(), &mut problems);
    let mut all = expand(&document, &Outside::NOTHING, &mut problems);
    (problems.is_empty() && all.len() == 1).then(|| all.remove(0).text)
}

/// Files without errors, written in many ways.
fn rough() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        "[a-z0-9 \\\\/:=é-]{0,8}",
        "[a-z]{0,3}[#'\"$`]{0,2}[a-z]{1,3}",
        "'[a-z \"#\\\\$\n]{0,6}[a-z]?'",
        "\"[a-z '#\r\n]{0,6}\"",
        "\"(\\\\[nrt$\"\\\\]|[a-z '$])*\"",
        "\\$\\{V[0-9](:?-[a-z ]{0,3}(\\$\\{X:\\+y\\})?)?\\}[a-z]{0,2}",
    ];
    let line = (
        "(export[ \t]+)?",
        "[ \t]{0,2}",
        "[ \t]{0,2}",
        value,
        "([ \t]{1,2}#[a-z '\"=]{0,4})?[ \t]{0,2}\r?\n",
    );
    let between =
        prop_oneof!["[ \t]{0,2}\r?\n", "[ ]?#[a-zA-Z '\"=$ ]{0,6}\r?\n", Just(String::new())];
    proptest::collection::vec((line, between), 0..8).prop_map(|lines| {
        let mut out = String::new();
        for (n, ((export, before, after, value, end), between)) in lines.into_iter().enumerate() {
            out.push_str(&format!("{export}V{n}{before}={after}{value}{end}{between}"));
        }
        out.into_bytes()
    })
}

fn formatting_is_right(text: &[u8]) {
    let mut problems = Vec::new();
    let document = parse(Path::new(".env"), text, &mut problems);
    if problems.iter().any(crate::report::Problem::is_error) {
        return;
    }
    let Some(lines) = format(text, &document) else {
        assert!(text.contains(&b'\r'), "only a carriage return within a line has no normal form");
        return;
    };
    let new = lines.concat();
    let values = |bytes: &[u8]| {
        let document = parse(Path::new(".env"), bytes, &mut Vec::new());
        let all = expand(&document, &Outside::NOTHING, &mut Vec::new()).into_iter();
        all.map(|e| (e.name, e.text)).collect::<Vec<_>>()
    };
    assert_eq!(values(text), values(&new));
    let again = parse(Path::new(".env"), &new, &mut Vec::new());
    let twice = format(&new, &again).unwrap().concat();
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&new));
}

#[test]
fn an_empty_value_before_a_comment_is_read_as_empty_by_every_program() {
    let text = b"A= # it's a comment\nexport B=\t# b\nC= \nD=\"\" # d\n";
    let document = parse(Path::new(".env"), text, &mut Vec::new());
    let new = format(text, &document).unwrap().concat();
    let expected = "A='' # it's a comment\nexport B='' # b\nC=\nD='' # d\n";
    assert_eq!(String::from_utf8_lossy(&new), expected);
    formatting_is_right(text);
    for tool in Tool::ALL {
        let names = |value: &[u8]| (*b"ABCD").map(|name| (vec![name], value.to_vec()));
        let read = model(tool)(&new).values;
        assert!(read.len() == 4 && read.values().all(|i| i.value.is_text(b"")), "{}", tool.name());
        if let Some(real) = tools::run(tool, std::slice::from_ref(&new)) {
            let real = real.0[0].values.as_ref().unwrap();
            assert_eq!(real, &BTreeMap::from(names(b"")), "{}", tool.name());
        }
    }
}

proptest! {
    #[test]
    fn formatting_keeps_values_and_is_done_at_once(rough in rough(), like in super::tests::lines::dotenv_like()) {
        formatting_is_right(&rough);
        formatting_is_right(&like);
    }
}
