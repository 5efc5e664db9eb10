//! Tests of the names.

use super::*;

fn acts(name: &str) -> Option<(Act, Often)> {
    match named(NAME, name) {
        Named::Acts(Behaviour { act, often }) => Some((act, often)),
        Named::Plain | Named::Unknown => None,
    }
}

#[test]
fn names_say_what_how_much_and_when() {
    let ms = Duration::from_millis;
    for (name, act, often) in [
        ("mock-latency-250ms", Act::Latency(ms(250)), Often::Always),
        ("mock-tokens-20-per-s", Act::TokensPerSecond(20), Often::Always),
        ("mock-first-token-2s", Act::FirstToken(ms(2000)), Often::Always),
        ("mock-429", Act::Status(429), Often::Always),
        ("mock-429-retry-after-1s-once", Act::RetryAfter(ms(1000)), Often::First(1)),
        ("mock-500-first-3", Act::Status(500), Often::First(3)),
        ("mock-503-first-20s", Act::Status(503), Often::FirstFor(ms(20_000))),
        ("mock-503-3-of-6", Act::Status(503), Often::Of(3, 6)),
        ("mock-reset-10s-of-1000s", Act::Reset, Often::TimeOf(ms(10_000), ms(1_000_000))),
        ("mock-stall", Act::Stall(None), Often::Always),
        ("mock-stall-5s-once", Act::Stall(Some(ms(5000))), Often::First(1)),
        ("mock-first-token-2s-first-2", Act::FirstToken(ms(2000)), Often::First(2)),
    ] {
        assert_eq!(acts(name), Some((act, often)), "{name}");
    }
}

#[test]
fn what_is_no_name_is_unknown() {
    for name in [
        "mock-",
        "mock-5000",
        "mock-418",
        "mock-+503",
        "mock-latency",
        "mock-latency-",
        "mock-latency-0ms",
        "mock-latency-05ms",
        "mock-latency-99999999s",
        "mock-latency-5m",
        "mock-latency--5s",
        "mock-tokens-0-per-s",
        "mock-tokens-99999-per-s",
        "mock-tokens-20",
        "mock-503-6-of-3",
        "mock-503-3-of-3",
        "mock-503-1-of-2s",
        "mock-503-once-once",
        "mock-503-first",
        "mock-once",
        "mock-503-first-0",
        "mock-Reset",
        "mock-503 ",
        "mock--once",
        "mock-first-3",
    ] {
        assert_eq!(named(NAME, name), Named::Unknown, "{name}");
        assert!(!is_own(name), "{name}");
    }
}

#[test]
fn only_the_mocks_own_models_act() {
    assert_eq!(named("openai", "mock-503"), Named::Plain);
    assert_eq!(named("openai", "mock-no-such"), Named::Plain);
    assert_eq!(named(NAME, MODEL), Named::Plain);
    assert_eq!(named(NAME, "gpt-4o"), Named::Plain);
    assert_eq!(named(NAME, "mock-chat-once"), Named::Plain);
}

#[test]
fn every_entry_lists_names_of_its_own() {
    for entry in TABLE {
        assert!(!entry.listed.is_empty(), "{}", entry.pattern());
        for name in entry.listed {
            let (found, _) = read(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.pattern(), entry.pattern(), "{name}");
        }
    }
    assert!(listed().any(|name| name == MODEL));
}

#[test]
fn phases_are_counted_from_the_first_request() {
    let s = Duration::from_secs;
    let holds = |often: Often| (0..7).map(|n| often.holds(n, s(n))).collect::<Vec<_>>();
    let (y, n) = (true, false);
    assert_eq!(holds(Often::First(2)), [y, y, n, n, n, n, n]);
    assert_eq!(holds(Often::FirstFor(s(3))), [y, y, y, n, n, n, n]);
    assert_eq!(holds(Often::Of(1, 3)), [y, n, n, y, n, n, y]);
    assert_eq!(holds(Often::TimeOf(s(2), s(4))), [y, y, n, n, y, y, n]);
}

#[test]
fn the_guide_has_the_table() {
    use std::fmt::Write as _;
    let mut table = String::from("| name | listed as | what it does |\n|---|---|---|\n");
    for entry in TABLE {
        let listed: Vec<String> = entry.listed.iter().map(|n| format!("`{PREFIX}{n}`")).collect();
        writeln!(table, "| `{}` | {} | {} |", entry.pattern(), listed.join(", "), entry.about)
            .unwrap();
    }
    let guide = include_str!("../../../docs/mock.md");
    assert!(guide.contains(&table), "docs/mock.md must have this table:\n{table}");
}
