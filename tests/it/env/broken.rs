//! Files that cannot be read: every problem at once, with its position, and no value.

use crate::support::{CANARY, Ultra};

#[test]
fn a_broken_dotenv_file_is_told_line_by_line_without_values() {
    let ultra = Ultra::checkout();
    ultra.write_private(
        ".env",
        format!(
            "OPENAI_API_KEY='{CANARY}'x\nA={CANARY}\nA=2\n1B={CANARY}\n{CANARY}\nC=${{1{CANARY}}}\nULTRA_PROT={CANARY}\nULTRA_PORT={CANARY}\nD=\"{CANARY}\n"
        ),
    );
    let mut outcome = ultra.run(&["env", "validate"]).exits(3).keeps_the_canary();
    for place in [
        ".env:1:", ".env:3:1", ".env:4:1", ".env:5:1", ".env:6:3", ".env:7:1", ".env:8:1",
        ".env:9:3",
    ] {
        outcome = outcome.says(place);
    }
    outcome.says("did you mean `ULTRA_PORT`?");
    for command in [&["env", "show"][..], &["env", "explain", "ULTRA_PORT"]] {
        ultra.run(command).exits(3).keeps_the_canary().complains(".env:3:1");
    }
    ultra.run(&["env", "current"]).exits(0);
}

#[test]
fn what_stands_where_a_file_is_looked_for_is_told_with_a_way_out() {
    let ultra = Ultra::empty();
    std::fs::create_dir(ultra.root().join(".env.local")).unwrap();
    let outcome = ultra.run(&["env", "run", "--", "true"]);
    outcome.complains(".env.local").complains("put a regular file in its place, or remove it");
    std::fs::remove_dir(ultra.root().join(".env.local")).unwrap();
    std::fs::create_dir_all(ultra.root().join("profiles/dev.yaml")).unwrap();
    let outcome = ultra.run(&["env", "validate"]).exits(3);
    outcome.says("profiles/dev.yaml").says("put a regular file in its place, or remove it");
    ultra.run(&["env", "lint", "profiles"]).complains("name a regular file");
}

#[test]
fn a_dotenv_file_that_is_a_link_to_nothing_is_told_with_where_it_leads() {
    use std::os::unix::fs::symlink;
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\n");
    ultra.run(&["env", "validate"]).exits(0);
    for name in [".env", ".env.local", ".env.dev", ".env.development", ".env.dev.local"] {
        let link = ultra.root().join(name);
        symlink("private/own.env", &link).unwrap();
        let run = ultra.run(&["env", "run", "--", "true"]).exits(5);
        run.complains(&format!("error: cannot read the dotenv file\n    at: {name}\n"))
            .complains("leads to `private/own.env`, and nothing is there")
            .complains(&format!("`rm {name}`"));
        let told = ultra.run(&["env", "validate", "-o", "json"]).exits(5).json();
        assert_eq!(told["problems"][0]["code"], "unreadable-file", "{told}");
        assert_eq!(told["problems"].as_array().unwrap().len(), 1, "{told}");
        std::fs::remove_file(&link).unwrap();
    }
    // A link to a link is followed to its end, and one that leads to a file counts as that.
    symlink("hop", ultra.root().join(".env.local")).unwrap();
    symlink("own.env", ultra.root().join("hop")).unwrap();
    ultra.run(&["env", "validate"]).exits(5).says("leads to `own.env`");
    ultra.run(&["env", "explain", "ULTRA_PORT"]).says("the link leads nowhere");
    ultra.run(&["env", "run", "--file", "hop", "--", "true"]).exits(2).complains("`hop`");
    ultra.write_private("own.env", "ULTRA_PORT=8099\n");
    ultra.run(&["env", "show", "ULTRA_PORT"]).exits(0).says("8099");
}

#[test]
fn a_broken_profile_is_told_with_positions_without_values() {
    let ultra = Ultra::checkout();
    for text in [
        format!("vars:\n  OPENAI_API_KEY: {CANARY}\n"),
        format!("secrets:\n  OPENAI_API_KEY: {CANARY}\n"),
        format!("vars:\n  A: 'x\n  {CANARY}: 1\n"),
        format!("vars: {{A: [{CANARY}}}\n"),
        format!("{CANARY}: 1\n"),
        format!("mode: {CANARY}\n"),
        format!("extends: {CANARY}\n"),
        format!("routes: {{m: {{targets: [{{provider: {CANARY}, model: {CANARY}}}]}}}}\n"),
        format!(
            "providers: {{ {CANARY}: {{kind: {CANARY}, base_url: {CANARY}, keys: [{CANARY}]}}}}\n"
        ),
        format!("policy: {{key_max_age: {{jwt: {CANARY}}}, gates: [{CANARY}]}}\n"),
        format!("vars: &{CANARY} [*{CANARY}]\n"),
        format!("? [{CANARY}]\n: !{CANARY} x\n"),
    ] {
        ultra.write("profiles/dev.yaml", &text);
        for command in
            [&["env", "validate"][..], &["env", "list"], &["env", "current"], &["env", "show"]]
        {
            for format in ["human", "json"] {
                let mut args = command.to_vec();
                args.extend(["-o", format]);
                let outcome = ultra.run(&args).keeps_the_canary();
                assert_ne!(outcome.code, 1, "{text}: {outcome:?}");
            }
        }
        let problems = ultra.run(&["env", "validate", "-o", "json"]).exits(3).json();
        let first = &problems["problems"][0]["where"];
        assert_eq!(first["file"], "profiles/dev.yaml", "{text}: {problems}");
        assert!(first["line"].is_u64(), "{text}: {problems}");
    }
}

#[test]
fn aliases_that_disagree_are_an_error_and_agreeing_ones_a_warning() {
    let ultra = Ultra::checkout();
    ultra.write_private(".env", "USE_MOCK=true\nMOCK_MODE=false\n");
    ultra
        .run(&["env", "validate"])
        .exits(3)
        .says("`USE_MOCK` and `MOCK_MODE` disagree")
        .says(".env:2:1");
    ultra.write_private(".env", "USE_MOCK=true\nENABLE_MOCK_LLM=true\nAPI_PORT=8086\n");
    ultra.run(&["env", "validate"]).exits(0).says("`API_PORT` is now `ULTRA_PORT`");
    ultra
        .run(&["env", "show", "ULTRA_PORT", "--origins"])
        .exits(0)
        .says("8086")
        .says(".env:3:1 (as `API_PORT`)");
}

#[test]
fn odd_files_are_refused_and_nothing_hangs() {
    let ultra = Ultra::checkout();
    std::fs::create_dir(ultra.root().join(".env")).unwrap();
    ultra.run(&["env", "validate"]).exits(5).says("not a regular file");
    std::fs::remove_dir(ultra.root().join(".env")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(ultra.root().join(".env")).status();
    if made.is_ok_and(|status| status.success()) {
        ultra.run(&["env", "validate"]).exits(5).says("not a regular file");
        std::fs::remove_file(ultra.root().join(".env")).unwrap();
    }
    let file = std::fs::File::create(ultra.root().join(".env")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    ultra.run(&["env", "validate"]).exits(5).says("limit");
}

#[test]
fn a_profile_that_is_no_file_is_told_of_by_name_and_nothing_hangs() {
    use std::os::unix::fs::symlink;
    let ultra = Ultra::checkout();
    let at = |name: &str| ultra.root().join("profiles").join(name);
    assert!(ultra.wrapped("mkfifo", [at("pipe.yaml")]).status().unwrap().success());
    std::fs::create_dir(at("folder.yaml")).unwrap();
    symlink("circle.yaml", at("circle.yaml")).unwrap();
    symlink("nowhere", at("dangling.yaml")).unwrap();
    ultra.write("profiles/large.yaml", vec![b'#'; (1 << 20) + 1]);
    let list = ultra.run(&["env", "list"]).exits(0);
    let json = ultra.run(&["env", "list", "-o", "json"]).exits(0).json();
    for (name, why) in [
        ("pipe", "not a regular file"),
        ("folder", "not a regular file"),
        ("circle", "symbolic link"),
        ("dangling", "link to a file that is not there"),
        ("large", "limit"),
    ] {
        let file = format!("profiles/{name}.yaml");
        let said = ultra.run(&["env", "validate", name]).exits(3);
        said.says(&format!("cannot read the profile `{file}`")).says(why);
        ultra.run(&["env", "show", "--profile", name]).exits(3).complains(&file).complains(why);
        ultra.run(&["env", "switch", name]).exits(3).complains(&file).complains(why);
        assert!(list.stdout.contains(&format!("cannot read the profile `{file}`")), "{list:?}");
        let rows = json["profiles"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        assert_eq!(row["file"], file.as_str());
        let problem = &row["problems"][0];
        assert_eq!(problem["where"]["file"], file.as_str());
        assert!(problem["hint"].is_string(), "{problem}");
        ultra.write("profiles/heir.yaml", format!("extends: {name}\n"));
        ultra.run(&["env", "validate", "heir"]).exits(3).says(&file).says(why);
    }
    // What extends nothing of that is not touched by it.
    ultra.run(&["env", "validate", "dev"]).exits(0);
}

#[test]
fn what_is_wrong_with_a_name_points_at_the_name() {
    let ultra = Ultra::checkout();
    ultra.write("profiles/own.yaml", "vars:\n  ULTRA_PROT:   1\n  ULTRA_PORT:   x\n");
    ultra
        .run(&["env", "validate", "own"])
        .exits(3)
        .says("profiles/own.yaml:2:3")
        .says("profiles/own.yaml:3:17");
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_no_other() {
    let ultra = Ultra::checkout();
    ultra.write("old.env", "GREETING=x\n");
    for args in [
        &["env", "render", "dotenv", "--out", "gone/out.env"][..],
        &["env", "import", "old.env", "--into", "gone/out.env"],
    ] {
        let said = ultra.run(args).exits(5).complains("gone/out.env");
        assert!(!said.stderr.contains(".tmp") && !said.stderr.contains(".ultra-"), "{said:?}");
        assert!(!said.stderr.contains(&*ultra.root().to_string_lossy()), "{said:?}");
    }
}
