//! YAML with positions: what is read, and what is refused where.

use super::*;

fn read(text: &str) -> (Result<Node, Box<Problem>>, Vec<Problem>) {
    let mut problems = Vec::new();
    (parse(Path::new("f.yaml"), text, &mut problems), problems)
}

#[test]
fn numbers_keep_their_text_and_words_are_no_booleans() {
    let (node, problems) = read("a: 1.10\nb: yes\nc: True\nd: 010\ne: true\n");
    assert_eq!(problems, []);
    let Data::Map(entries) = node.ok().unwrap().data else { panic!("no map") };
    let shown: Vec<String> = entries
        .iter()
        .map(|(k, v)| match &v.data {
            Data::Number(t) => format!("{} number {t} {}", k.text, v.place),
            Data::Text(t) => format!("{} text {t}", k.text),
            Data::Bool(b) => format!("{} bool {b}", k.text),
            _ => k.text.clone(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "a number 1.10 f.yaml:1:4",
            "b text yes",
            "c text True",
            "d number 010 f.yaml:4:4",
            "e bool true"
        ]
    );
}

#[test]
fn all_duplicate_keys_are_told_with_their_positions() {
    let (_, problems) = read("a: 1\na: 2\nm:\n  x: 1\n  x: 2\n? [k]\n: 1\n");
    let places: Vec<String> =
        problems.iter().map(|p| p.place.as_ref().unwrap().to_string()).collect();
    assert_eq!(places, ["f.yaml:2:1", "f.yaml:5:3", "f.yaml:6:3"]);
}

#[test]
fn a_character_that_cannot_stand_there_is_named() {
    for (text, place, why) in [
        ("a: 1\nb: \"x\0y\"\n", "f.yaml:2:6", "U+0000 is"),
        ("a: x\u{1}y\n", "f.yaml:1:5", "U+0001 is"),
        ("a: 1\r\n\r\n# é\u{1b}[31m\r\n", "f.yaml:3:4", "U+001B is"),
        ("a: 1\rb: |\r  x\u{fffe}\r", "f.yaml:3:4", "U+FFFE is"),
        ("a: @canary\n", "f.yaml:1:4", "begin with `@`"),
        ("a: `canary`\n", "f.yaml:1:4", "a backtick"),
    ] {
        let problem = *read(text).0.err().unwrap_or_else(|| panic!("{text:?} was read"));
        assert_eq!(problem.place.unwrap().to_string(), place, "{text:?}");
        let said = problem.why.unwrap();
        assert!(said.contains(why) && !said.contains("canary"), "{text:?}: {said}");
    }
}

#[test]
fn syntax_errors_have_a_position_and_quote_nothing() {
    for text in [
        "a: 'canary\nb: 1\n",
        "a: b: canary\n",
        "- [canary\n",
        "a: *canary\n",
        "a: !!int canary\n",
        "a: 1\n\tcanary: x\n",
        "a: \"canary \\x\"\n",
        "a: !canary x\n---\nb: 1\n",
        "canary: 1e999\n",
        "%canary\na: 1\n",
        "a: &canary [*canary]\n",
    ] {
        let (node, _) = read(text);
        let problem = *node.err().unwrap_or_else(|| panic!("{text:?} was read"));
        assert!(problem.place.as_ref().unwrap().line.is_some(), "{problem}");
        let shown = format!("{problem:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

proptest::proptest! {
    #[test]
    fn any_yaml_like_text_is_read_or_refused_without_quoting_it(
        parts in proptest::collection::vec("[ab:,\\[\\]{}&*!|>'\"#%@`?\n -]{0,5}", 0..12),
    ) {
        let text = parts.join("sk-CANARY-0123456789");
        let (node, problems) = read(&text);
        let shown = format!("{problems:?} {:?}", node.err());
        proptest::prop_assert!(!shown.contains("CANARY"), "{text:?}: {shown}");
    }
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (n, (new, old)) in "bcdefghi".chars().zip("abcdefgh".chars()).enumerate() {
        let refs = vec![format!("*{old}"); 9].join(",");
        text.push_str(&format!("{new}: &{new} [{refs}] # {n}\n"));
    }
    let begun = std::time::Instant::now();
    assert!(read(&text).0.is_err());
    assert!(read(&"[".repeat(100_000)).0.is_err());
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
