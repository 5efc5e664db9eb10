//! `ultra env import` asks providers about the keys it takes over.

use super::provider::{Manner, Provider};
use super::{NEW, OLD, nowhere, with_provider};

#[test]
fn a_key_that_its_provider_refuses_stops_the_whole_import() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    ultra.write("old.env", format!("OPENAI_API_KEY={NEW}\nAPI_PORT=8095\n"));
    let dry = ultra.run(&["env", "import", "old.env", "--dry-run"]).exits(0);
    assert!(provider.seen().is_empty(), "a dry run sent a key");
    let refused = ultra.run(&["env", "import", "old.env"]).exits(3).complains("old.env:1:1");
    assert_eq!(provider.seen(), [NEW]);
    assert!(!ultra.root().join(".env.dev.local").exists());

    ultra.write("old.env", format!("OPENAI_API_KEY={OLD}\nAPI_PORT=8095\n"));
    let taken = ultra.run(&["env", "import", "old.env", "-o", "json"]).exits(0);
    assert_eq!(taken.json()["entries"][0]["tested"], true);
    assert_eq!(ultra.read(".env.dev.local"), "# Imported from old.env.\nULTRA_PORT=8095\n");
    provider.seen();
    let again = ultra.run(&["env", "import", "old.env"]).exits(0).says("already there");
    assert!(provider.seen().is_empty(), "a key that is there was tested again");
    ultra.write("old.env", "");
    nowhere(&ultra, &[&dry, &refused, &taken, &again], &[OLD, NEW]);
}

#[test]
fn a_key_that_cannot_be_tested_is_kept_with_a_warning() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    ultra.write("old.env", format!("OPENAI_API_KEY={OLD}\n"));
    provider.becomes(Manner::Says("500 Oops", "{}"));
    ultra.run(&["env", "import", "old.env"]).exits(0).complains("could not be tested");
}
