//! What the checks say of a server that is not ours.

use crate::support::{CANARY, Outcome, Stranger, Ultra};

/// Answers that are none of an ultra server, and what is said of them.
const ANSWERS: [(&str, &str, &str, &str); 5] = [
    ("404 Not Found", "content-type: text/html\r\n", "<h1>BODY</h1>", "404 with `text/html`"),
    (
        "200 OK",
        "content-type: text/html; charset=utf-8\r\n",
        "<h1>BODY</h1>",
        "200 with `text/html`",
    ),
    (
        "200 OK",
        "content-type: application/json\r\n",
        "{\"status\":\"BODY\"}",
        "200 with `application/json`",
    ),
    ("503 Service Unavailable", "", "", "503 with no content type"),
    (
        "301 Moved Permanently",
        "location: https://else.example/BODY?token=BODY\r\n",
        "",
        "301, which leads to `https://else.example`",
    ),
];

/// Asks each of them, with a key that must not get there.
fn ask(command: &[&str], judge: impl Fn(Outcome, &Stranger, &str)) {
    let ultra = Ultra::empty().env("ULTRA_SERVICE_KEY", CANARY);
    for (status, headers, body, said) in ANSWERS {
        let stranger = Stranger::start(status, headers, body);
        let args = [command, &["--url", &stranger.url]].concat();
        let outcome = ultra.run(&args).keeps_the_canary();
        assert!(!outcome.stdout.contains("BODY"), "{}", outcome.stdout);
        judge(outcome, &stranger, said);
        let heads = stranger.heads();
        assert!(heads.contains("/api/health/"), "{heads}");
        assert!(!heads.contains(CANARY), "the key was shown to a stranger: {heads}");
    }
}

#[test]
fn status_says_that_it_is_no_ultra_server() {
    ask(&["check", "status"], |outcome, stranger, said| {
        let whole =
            format!("`{}` does not answer as an ultra server: it answers {said}", stranger.url);
        outcome.exits(5).says(&whole).says("hint: name the address that `ultra serve` listens on");
    });
    ask(&["check", "status", "-o", "json"], |outcome, _, said| {
        let seen = outcome.exits(5).json()["servers"][0].clone();
        assert_eq!((&seen["reached"], &seen["answered"]), (&false.into(), &said.into()));
    });
}

#[test]
fn smoke_fails_in_its_second_step() {
    ask(&["check", "smoke"], |outcome, _, said| {
        outcome.exits(3).says("it is no ultra server").says(said);
    });
}

#[test]
fn readiness_fails_where_the_server_is_judged() {
    ask(
        &["check", "readiness", "--profile", "dev", "--only", "ULT-LIVE-001"],
        |outcome, _, said| {
            outcome
                .exits(3)
                .says("ULT-LIVE-001")
                .says("does not answer as an ultra server")
                .says(said);
        },
    );
}
