//! Names of checks: listed, explained, selected, misspelt.

use crate::support::Ultra;

#[test]
fn checks_are_listed_and_explained() {
    let ultra = Ultra::empty();
    let document = ultra.run(&["check", "list", "-o", "json"]).exits(0).json();
    assert_eq!(document["schema"], "ultra.check.list/1");
    let checks = document["checks"].as_array().unwrap();
    assert!(checks.len() >= 30);
    for check in checks {
        let id = check["id"].as_str().unwrap();
        let page = ultra.run(&["check", "explain", id]).exits(0).stdout;
        assert!(page.contains("## What it checks") && page.contains("## How to fix"), "{id}");
    }
}

#[test]
fn unknown_names_end_with_usage_and_the_nearest() {
    let ultra = Ultra::empty();
    for args in [
        &["check", "explain", "ULT-CFG-0O1"][..],
        &["check", "readiness", "--only", "ULT-CFG-0O1"],
        &["check", "readiness", "--skip", "ULT-CFG-0O1"],
        &["check", "list", "ULT-CFG-0O1"],
    ] {
        let outcome = ultra.run(args).exits(2);
        assert!(outcome.stderr.contains("did you mean `ULT-CFG-001`?"), "{args:?}");
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn an_empty_selection_ends_with_usage() {
    let ultra = Ultra::empty();
    ultra.run(&["check", "readiness", "--stage", "drill"]).exits(2);
    ultra.run(&["check", "readiness", "--only", "CFG-001", "--stage", "live"]).exits(2);
}

#[test]
fn a_url_that_is_none_ends_with_usage() {
    let ultra = Ultra::empty();
    for url in ["localhost:80", "ftp://a", "http://"] {
        ultra.run(&["check", "smoke", "--url", url]).exits(2);
    }
}
