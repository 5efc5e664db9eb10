//! The table of what must not go live. The patterns are written in pieces, so that the table does
//! not find itself.

use super::finding::Rule;

/// Where a pattern counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// In code, outside strings and comments.
    Code,
    /// In code and strings.
    Written,
    /// In comments.
    Comments,
}

/// A pattern: what to look for, where, what it means, and what else its line must hold.
pub(super) struct Pattern {
    pub(super) text: &'static str,
    pub(super) view: View,
    pub(super) rule: Rule,
    pub(super) what: &'static str,
    pub(super) with: &'static [&'static str],
}

const fn pattern(text: &'static str, view: View, rule: Rule, what: &'static str) -> Pattern {
    Pattern { text, view, rule, what, with: &[] }
}

const fn with(pattern: &Pattern, with: &'static [&'static str]) -> Pattern {
    Pattern { text: pattern.text, view: pattern.view, rule: pattern.rule, what: pattern.what, with }
}

/// What makes a mention of a switch a use of it.
const DECIDES: &[&str] =
    &["if ", "if(", "when ", "&&", "||", "= true", "=true", ": true", "= True", "? "];
/// What turns a check off.
const OFF: &[&str] = &["false", "False", "(true)", ": true", "0", "FALSE", "NONE"];

/// All patterns.
pub(super) const PATTERNS: &[Pattern] = &[
    pattern(
        concat!("unittest", ".mock"),
        View::Code,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(
        concat!("jest", ".mock("),
        View::Code,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(
        concat!("use mock", "all"),
        View::Code,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(
        concat!("use wire", "mock"),
        View::Code,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(
        concat!("from 'sin", "on'"),
        View::Written,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(
        concat!("require('no", "ck')"),
        View::Written,
        Rule::MockReachable,
        "a mock library outside tests",
    ),
    pattern(concat!("#[ign", "ore"), View::Code, Rule::Disabled, "a test that is switched off"),
    pattern(concat!("it.sk", "ip("), View::Code, Rule::Disabled, "a test that is switched off"),
    pattern(concat!("test.sk", "ip("), View::Code, Rule::Disabled, "a test that is switched off"),
    pattern(
        concat!("describe.sk", "ip("),
        View::Code,
        Rule::Disabled,
        "tests that are switched off",
    ),
    pattern(concat!("xdes", "cribe("), View::Code, Rule::Disabled, "tests that are switched off"),
    pattern(
        concat!("pytest.mark.sk", "ip"),
        View::Code,
        Rule::Disabled,
        "a test that is switched off",
    ),
    pattern(
        concat!("@unittest.sk", "ip"),
        View::Code,
        Rule::Disabled,
        "a test that is switched off",
    ),
    pattern(concat!("@Dis", "abled"), View::Code, Rule::Disabled, "a test that is switched off"),
    pattern(concat!("t.Sk", "ip("), View::Code, Rule::Disabled, "a test that is switched off"),
    pattern(concat!("if fal", "se {"), View::Code, Rule::Disabled, "code that never runs"),
    pattern(concat!("if (fal", "se)"), View::Code, Rule::Disabled, "code that never runs"),
    pattern(concat!("if Fal", "se:"), View::Code, Rule::Disabled, "code that never runs"),
    pattern(concat!("#if", " 0"), View::Code, Rule::Disabled, "code that never runs"),
    pattern(
        concat!("AKIAIOSFODNN7", "EXAMPLE"),
        View::Written,
        Rule::DevKey,
        "the example key of the AWS documentation",
    ),
    pattern(
        concat!("postgres:post", "gres@"),
        View::Written,
        Rule::DevKey,
        "the default account of PostgreSQL",
    ),
    pattern(concat!("root:ro", "ot@"), View::Written, Rule::DevKey, "a default account"),
    pattern(concat!("admin:ad", "min@"), View::Written, Rule::DevKey, "a default account"),
    pattern(
        concat!("guest:gu", "est@"),
        View::Written,
        Rule::DevKey,
        "the default account of RabbitMQ",
    ),
    pattern(concat!("minio", "admin"), View::Written, Rule::DevKey, "the default account of MinIO"),
    pattern(concat!("passw", "ord123"), View::Written, Rule::DevKey, "a well-known password"),
    pattern(concat!("sk_te", "st_"), View::Written, Rule::DevKey, "a test key"),
    pattern(concat!("pk_te", "st_"), View::Written, Rule::DevKey, "a test key"),
    pattern(concat!("to", "do!("), View::Code, Rule::Unfinished, "unfinished code"),
    pattern(concat!("unimple", "mented!("), View::Code, Rule::Unfinished, "unfinished code"),
    pattern(
        concat!("raise NotImple", "mentedError"),
        View::Code,
        Rule::Unfinished,
        "unfinished code",
    ),
    pattern(concat!("FIX", "ME"), View::Comments, Rule::Unfinished, "work that was put off"),
    pattern(concat!("TO", "DO"), View::Comments, Rule::Unfinished, "work that was put off"),
    pattern(concat!("HA", "CK:"), View::Comments, Rule::Unfinished, "work that was put off"),
    with(
        &pattern(
            concat!("danger_accept_", "invalid_certs"),
            View::Code,
            Rule::TlsOff,
            "certificates are not checked",
        ),
        OFF,
    ),
    with(
        &pattern(
            concat!("danger_accept_", "invalid_hostnames"),
            View::Code,
            Rule::TlsOff,
            "host names are not checked",
        ),
        OFF,
    ),
    pattern(concat!("verify", "=False"), View::Code, Rule::TlsOff, "certificates are not checked"),
    with(
        &pattern(
            concat!("reject", "Unauthorized"),
            View::Code,
            Rule::TlsOff,
            "certificates are not checked",
        ),
        OFF,
    ),
    with(
        &pattern(
            concat!("NODE_TLS_REJECT_", "UNAUTHORIZED"),
            View::Written,
            Rule::TlsOff,
            "certificates are not checked",
        ),
        OFF,
    ),
    with(
        &pattern(
            concat!("Insecure", "SkipVerify"),
            View::Code,
            Rule::TlsOff,
            "certificates are not checked",
        ),
        OFF,
    ),
    with(
        &pattern(
            concat!("CURLOPT_SSL_", "VERIFYPEER"),
            View::Code,
            Rule::TlsOff,
            "certificates are not checked",
        ),
        OFF,
    ),
    pattern(
        concat!("_create_unverified", "_context"),
        View::Code,
        Rule::TlsOff,
        "certificates are not checked",
    ),
    pattern(concat!("curl -k", " "), View::Written, Rule::TlsOff, "certificates are not checked"),
    with(
        &pattern(
            concat!("skip_", "auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("bypass_", "auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("disable_", "auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("auth_", "disabled"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("SKIP_", "AUTH"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("DISABLE_", "AUTH"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("skip", "Auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("bypass", "Auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
    with(
        &pattern(
            concat!("disable", "Auth"),
            View::Written,
            Rule::AuthBypass,
            "a switch around authentication",
        ),
        DECIDES,
    ),
];
