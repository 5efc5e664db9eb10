//! `ultra env import` asks providers about the keys it takes over, and so does `ultra keys import`,
//! which takes nothing else.

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

/// A file as the application of the seed keeps it.
fn api_keys(key: &str) -> String {
    format!(
        "# Keys for tests with real providers.\nOPENAI_API_KEY={key}\n\
         ANTHROPIC_API_KEY=your-anthropic-key-here\nGOOGLE_API_KEY=\nAPI_PORT=8095\n"
    )
}

#[test]
fn the_keys_of_a_file_are_taken_and_nothing_else() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    let file = ultra.write_private(".env.api_keys", api_keys(OLD));
    let dry = ultra.run(&["keys", "import", ".env.api_keys", "--dry-run"]).exits(0);
    let dry = dry.says("placeholder").says("no key").says("to the vault");
    assert!(provider.seen().is_empty() && !ultra.state().join("vault.age").exists());

    let lost = ultra.run(&["keys", "import", ".env.api_keys", "--remove-source"]).exits(6);
    let lost = lost.complains(".env.api_keys:5:1").complains("`API_PORT` would be lost");
    assert!(!lost.stderr.contains("ANTHROPIC_API_KEY"), "a placeholder is nothing to lose");
    assert!(file.exists() && !ultra.state().join("vault.age").exists());

    let taken = ultra.run(&["keys", "import", ".env.api_keys", "-o", "json"]).exits(0);
    let told = taken.json();
    assert_eq!((&told["schema"], &told["into"]), (&"ultra.keys.import/1".into(), &().into()));
    assert_eq!(told["entries"][0]["tested"], true);
    assert_eq!((provider.seen().len(), file.exists()), (1, true));
    assert!(!ultra.root().join(".env.dev.local").exists());
    ultra.run(&["keys", "list"]).exits(0).says("openai");

    let again = format!("OPENAI_API_KEY={OLD}\n# later\nANTHROPIC_API_KEY=your-key-here\n");
    ultra.write_private(".env.api_keys", format!("{again}# GROQ_API_KEY=gsk_{NEW}{NEW}\n"));
    let comment = ultra.run(&["keys", "import", ".env.api_keys", "--remove-source"]).exits(6);
    comment.complains(".env.api_keys:4:1").complains("a comment that may hold a secret");
    ultra.write_private(".env.api_keys", again);
    let gone = ultra.run(&["keys", "import", ".env.api_keys", "--remove-source"]).exits(0);
    let gone = gone.says("removed");
    assert!(!file.exists());
    nowhere(&ultra, &[&dry, &lost, &taken, &gone], &[OLD]);
}

#[test]
fn a_refused_key_stops_the_import_unless_nobody_is_asked() {
    let provider = Provider::knowing(&[OLD]);
    let ultra = with_provider(&provider);
    ultra.write_private(".env.api_keys", format!("OPENAI_API_KEY={NEW}\n"));
    ultra.run(&["keys", "import", ".env.api_keys"]).exits(3).complains(".env.api_keys:1:1");
    assert!(!ultra.state().join("vault.age").exists());
    provider.seen();
    ultra.run(&["keys", "import", ".env.api_keys", "--no-verify"]).exits(0);
    assert!(provider.seen().is_empty());
    ultra.run(&["keys", "import", "nowhere"]).exits(2).complains("there is no file");
}
