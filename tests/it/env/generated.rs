//! Files that are made from the program's own declarations.

use crate::support::Ultra;

#[test]
fn the_generated_files_of_this_repository_are_up_to_date() {
    let root = env!("CARGO_MANIFEST_DIR");
    Ultra::empty().run(&["generate", "--check", "--dir", root]).exits(0).says("up to date");
}

#[test]
fn a_file_that_differs_is_named_and_then_written() {
    let ultra = Ultra::empty();
    let missing = ultra.run(&["generate", "--check", ".env.example"]).exits(3);
    missing.says(".env.example is missing").keeps_the_canary();
    assert_eq!(std::fs::read_dir(ultra.root()).unwrap().count(), 0);
    ultra.run(&["generate"]).exits(0).says("wrote completions/ultra.bash");
    ultra.run(&["generate", "--check"]).exits(0);
    ultra.write("docs/configuration.md", "by hand");
    let differs = ultra.run(&["generate", "--check", "-o", "json"]).exits(3).json();
    let files = differs["files"].as_array().unwrap();
    let named: Vec<&str> = files
        .iter()
        .filter(|f| f["state"] != "same")
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["docs/configuration.md"]);
    ultra.run(&["generate", "docs/configuration.mb"]).exits(2).complains("did you mean");
}

#[test]
fn completions_and_pages_go_to_stdout() {
    let ultra = Ultra::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        ultra.run(&["completions", shell]).exits(0).says("__complete");
    }
    ultra.run(&["completions", "tcsh"]).exits(2);
    ultra.run(&["man"]).exits(0).says(".TH ultra 1");
    ultra.run(&["man", "env", "switch"]).exits(0).says(".TH ultra-env-switch 1");
    ultra.run(&["man", "env", "swich"]).exits(2).complains("did you mean `env-switch`?");
    ultra.run(&["man", "--out", "pages"]).exits(0);
    assert!(ultra.root().join("pages/ultra-env.1").is_file());
}
