//! `env run`: what a command gets, how it ends, and what its output shows under `--redact`.

use crate::support::{CANARY, Outcome, Server, Ultra, eventually};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

/// What `env` prints below `ultra env run` with these arguments, by name.
fn child(ultra: &Ultra, args: &[&str]) -> std::collections::BTreeMap<String, String> {
    let all: Vec<&str> =
        ["env", "run"].iter().chain(args).copied().chain(["--", "env", "-0"]).collect();
    let outcome = ultra.run(&all).exits(0);
    outcome
        .stdout
        .split_terminator('\0')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn redacted(ultra: &Ultra, script: &str) -> Outcome {
    ultra.run(&["env", "run", "--redact", "--", "sh", "-c", script])
}

#[test]
fn a_command_gets_the_profile_and_no_internals() {
    let ultra = Ultra::empty()
        .env("FROM_PROCESS", "kept")
        .env("GREETING", "from the process")
        .env("ULTRA_STATE_DIR", "state")
        .env("ULTRA_VAULT_PASSPHRASE_FILE", "/nowhere")
        .env("ULTRA_VAULT_PASSPHRASE", CANARY)
        .env("ULTRA_SERVICE_KEY", CANARY)
        .env("ULTRA_ADMIN_KEY", CANARY);
    ultra.write_private(".env.local", format!("GREETING=file\nA=\"x\\ny\"\nAPP_TOKEN={CANARY}\n"));
    let vars = child(&ultra, &[]);
    assert_eq!(vars["A"], "x\ny");
    assert_eq!(vars["APP_TOKEN"], CANARY);
    assert_eq!(vars["GREETING"], "from the process");
    assert_eq!(vars["FROM_PROCESS"], "kept");
    assert_eq!(vars["ULTRA_PROFILE"], "dev");
    assert!(vars.contains_key("PATH"));
    for name in vars.keys() {
        let ours = ["STATE_DIR", "VAULT", "SERVICE_KEY", "ADMIN"];
        assert!(!ours.iter().any(|part| name.contains(part)), "{name} reached the command");
    }
    assert_eq!(vars.values().filter(|value| value.contains(CANARY)).count(), 1);
}

#[test]
fn keys_of_the_operator_and_digests_of_an_export_reach_no_command() {
    let ultra = Ultra::empty()
        .env("OPENAI_ADMIN_KEY", CANARY)
        .env("ANTHROPIC_ADMIN_KEY_FILE", "/run/canary")
        .env("__ULTRA_EXPORT", "ONE:0011223344556677");
    ultra.write_private(".env.local", format!("ONE=1\nANTHROPIC_ADMIN_KEY={CANARY}\n"));
    for args in [&[][..], &["--only", "ONE"]] {
        let vars = child(&ultra, args);
        assert_eq!(vars["ONE"], "1");
        for name in vars.keys() {
            assert!(!name.contains("ADMIN") && name != "__ULTRA_EXPORT", "{name}");
        }
    }
    ultra
        .run(&["env", "run", "--only", "ANTHROPIC_ADMIN_KEY", "--", "true"])
        .exits(2)
        .keeps_the_canary();
}

#[test]
fn only_what_is_named_is_handed_on() {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY);
    ultra.write_private(".env.local", "ONE=1\nTWO=2\n");
    let vars = child(&ultra, &["--only", "ONE"]);
    assert_eq!(vars["ONE"], "1");
    for name in ["TWO", "OPENAI_API_KEY", "ULTRA_MODE", "ULTRA_PROFILE"] {
        assert!(!vars.contains_key(name), "{name}");
    }
    let vars = child(&ultra, &["--only", "ONE,openai"]);
    assert_eq!(vars["OPENAI_API_KEY"], CANARY);
    ultra
        .run(&["env", "run", "--only", "ULTRA_MOED,OPENAI_API_KY", "--", "true"])
        .exits(2)
        .complains("ULTRA_MODE")
        .complains("OPENAI_API_KEY");
    ultra.run(&["env", "run", "--only", "ULTRA_STATE_DIR", "--", "true"]).exits(2);
}

#[test]
fn further_files_are_a_layer_below_the_process_environment() {
    let ultra = Ultra::empty().env("THREE", "process");
    ultra.write_private(".env.local", "ONE=local\nTWO=local\nTHREE=local\n");
    ultra.write_private("a.env", "ONE=a\nTWO=a\nTHREE=a\n");
    ultra.write_private("b.env", "TWO=b\n");
    let vars = child(&ultra, &["--file", "a.env", "--file", "b.env"]);
    assert_eq!([&vars["ONE"], &vars["TWO"], &vars["THREE"]], ["a", "b", "process"]);
    let fifo = ultra.root().join("fifo");
    assert!(ultra.wrapped("mkfifo", [&fifo]).status().unwrap().success());
    for (bad, code) in [("missing.env", 2), ("fifo", 5), (".", 5)] {
        let args = ["env", "run", "--file", bad, "--", "echo", "started"];
        let outcome = ultra.run(&args).exits(code);
        assert_eq!(outcome.stdout, "", "{bad}");
    }
}

#[test]
fn a_broken_configuration_starts_nothing_and_tells_all() {
    let ultra = Ultra::empty();
    ultra.write_private(
        ".env.local",
        format!("ULTRA_PORT={CANARY}\nULTRA_NOPE=1\nOPENAI_API_KEY={CANARY}\n"),
    );
    let outcome = ultra.run(&["env", "run", "--", "echo", "started"]).exits(3);
    assert_eq!(outcome.stdout, "");
    outcome.complains("ULTRA_PORT").complains("ULTRA_NOPE").keeps_the_canary();
}

#[test]
fn it_ends_as_the_command_does() {
    let ultra = Ultra::empty();
    for redact in [&["env", "run", "--"][..], &["env", "run", "--redact", "--"]] {
        let run = |command: &[&str]| {
            let all: Vec<&str> = redact.iter().chain(command).copied().collect();
            ultra.run(&all)
        };
        run(&["sh", "-c", "exit 42"]).exits(42);
        run(&["sh", "-c", "kill -TERM $$"]).exits(143);
        run(&["no-such-command"]).exits(127).complains("no-such-command");
        run(&["./no-such-file"]).exits(127);
        run(&["."]).exits(126);
        ultra.write("plain", "text");
        run(&["./plain"]).exits(126).complains("plain");
        let script = ultra.write("script", "#!/no/such/interpreter\n");
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).unwrap();
        run(&["./script"]).exits(126).complains("interpreter");
        run(&[""]).exits(2);
        run(&[]).exits(2);
    }
}

#[test]
fn a_file_beside_a_command_of_the_same_name_is_not_taken_for_it() {
    let ultra = Ultra::empty();
    let file = ultra.write("true", "echo hi\n");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    ultra.run(&["env", "run", "--", "true"]).exits(0);
    let outcome = ultra.run(&["env", "run", "--redact", "--", "true"]).exits(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn it_is_the_command_itself_with_nothing_left_open() {
    let ultra = Ultra::empty();
    let script = ["-c", "echo $$; exec ls /proc/self/fd"];
    let direct = ultra.wrapped("sh", script).output().unwrap();
    let mut command = ultra.command(["env", "run", "--", "sh"]);
    let child = command.args(script).spawn().unwrap();
    let id = child.id().to_string();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(id.as_str()));
    let expected = String::from_utf8(direct.stdout).unwrap();
    assert!(lines.eq(expected.lines().skip(1)), "{text} and not {expected}");
}

#[test]
fn a_closed_pipe_ends_a_command_as_it_does_without_us() {
    let ultra = Ultra::empty();
    let mut child = ultra.command(["env", "run", "--", "yes"]).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 4]).unwrap();
    drop(child.stdout.take());
    let status =
        eventually(Duration::from_secs(20), "the command's end", || child.try_wait().unwrap());
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(13));
}

#[test]
fn values_that_no_environment_holds_are_errors() {
    let ultra = Ultra::empty();
    ultra.write_private("key", "sk-\0canary-and-more");
    let ultra = ultra.env("OPENAI_API_KEY_FILE", "key");
    ultra
        .run(&["env", "run", "--", "true"])
        .exits(3)
        .complains("OPENAI_API_KEY")
        .complains("NUL")
        .keeps_the_canary();
    let ultra = Ultra::empty();
    ultra.write_private(".env.local", format!("HUGE={}\n", "x".repeat(300_000)));
    ultra.run(&["env", "run", "--", "true"]).exits(126).complains("HUGE").complains("too long");
}

#[test]
fn what_is_no_utf8_passes_through_and_many_variables_do_too() {
    let ultra = Ultra::empty();
    let many: String = (0..10_000).map(|n| format!("APP_VALUE_{n}={n}\n")).collect();
    ultra.write_private(".env.local", many);
    let broken = std::ffi::OsString::from_vec(b"caf\xe9".to_vec());
    let output =
        ultra.command(["env", "run", "--", "env"]).env("BROKEN", &broken).output().unwrap();
    assert!(output.stdout.windows(12).any(|w| w == b"BROKEN=caf\xe9\n"));
    assert!(output.stdout.windows(20).any(|w| w == b"APP_VALUE_9999=9999\n"));
    // It wins over what a file says, as any value of the process does.
    ultra.write_private(".env.local", "BROKEN=file\n");
    for redact in [&[][..], &["--redact"]] {
        let args = [&["env", "run"][..], redact, &["--", "env"]].concat();
        let output = ultra.command(args).env("BROKEN", &broken).output().unwrap();
        assert!(output.stdout.windows(12).any(|w| w == b"BROKEN=caf\xe9\n"));
        assert!(!String::from_utf8_lossy(&output.stdout).contains("BROKEN=file"));
    }
    let output = ultra.command(["env", "show"]).env("BROKEN", &broken).output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("file"), "{output:?}");
    let output = ultra.command(["env", "validate"]).env("BROKEN", &broken).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("`BROKEN` in the process environment is not UTF-8"), "{said}");
}

#[test]
fn what_says_where_we_are_and_is_no_utf8_is_an_error() {
    let ultra = Ultra::empty();
    let broken = std::ffi::OsString::from_vec(b"st\xe9".to_vec());
    for name in ["ULTRA_PROFILE", "ENVIRONMENT", "ULTRA_STATE_DIR", "ULTRA_DIR"] {
        let output = ultra.command(["env", "current"]).env(name, &broken).output().unwrap();
        let outcome = Outcome::from(output).exits(2);
        outcome.complains(&format!("`{name}` in the process environment is not UTF-8"));
    }
    let mut both = ultra.command(["env", "current"]);
    let output = both.env("ULTRA_PROFILE", &broken).env("ULTRA_STATE_DIR", &broken).output();
    let outcome = Outcome::from(output.unwrap()).exits(2);
    outcome.complains("`ULTRA_PROFILE`").complains("`ULTRA_STATE_DIR`");
    // What a flag says instead is enough.
    let mut named = ultra.command(["env", "current", "--profile", "test"]);
    let output = named.env("ULTRA_PROFILE", &broken).output().unwrap();
    Outcome::from(output).exits(0).says("test");
}

#[test]
fn a_secret_in_a_file_is_opened_for_the_command() {
    let ultra = Ultra::empty();
    ultra.write_private("key", format!("{CANARY}\n"));
    let ultra = ultra.env("OPENAI_API_KEY_FILE", "key");
    let vars = child(&ultra, &[]);
    assert_eq!(vars["OPENAI_API_KEY"], CANARY);
    assert!(!vars.contains_key("OPENAI_API_KEY_FILE"), "both at once would contradict each other");
}

#[test]
fn secrets_are_masked_in_every_form_on_both_streams() {
    let ultra = Ultra::empty().env("HOUSE_TOKEN", "from/the process+1");
    ultra.write_private(".env.local", format!("APP_TOKEN={CANARY}\nPIN_CODE_KEY=1234\n"));
    let outcome = redacted(
        &ultra,
        "printf '%s' \"$APP_TOKEN\" | base64; echo \"x$APP_TOKEN\" | base64; echo \"$APP_TOKEN\" >&2
         echo \"$HOUSE_TOKEN from%2Fthe%20process%2B1\"; echo $PIN_CODE_KEY; exit 9",
    )
    .exits(9)
    .says("[redacted:APP_TOKEN]\n")
    .says("[redacted:HOUSE_TOKEN] [redacted:HOUSE_TOKEN]")
    .says("1234")
    .complains("[redacted:APP_TOKEN]")
    .complains("PIN_CODE_KEY")
    .keeps_the_canary();
    assert!(!outcome.stdout.contains("canary"));
}

#[test]
fn secrets_within_secrets_are_masked_where_they_stand_alone() {
    let ultra = Ultra::empty();
    let pem = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";
    // In two pieces, since this repository holds no key itself.
    let begin = "BEGIN";
    ultra.write_private(
        ".env",
        format!(
            "REPO_URL=https://ghp_0123456789abcdefghij0123456789abcdef@github.com/x\nSENTRY_DSN=https://0f1e2d3c4b5a69788796a5b4c3d2e1f0@o1.ingest.example.org/2\nHOOK_TOKEN=https://hooks.example.org/in?api_key=hidden-in-query&room=general\nGCP_CREDENTIALS='{{\"type\":\"service_account\",\"private_key\":\"-----{begin} PRIVATE KEY-----\\n{pem}\\n-----END PRIVATE KEY-----\\n\",\"nested\":{{\"token\":\"tok-0123456789\"}}}}'\nDATABASE_URL=postgres://username:hidden-password@localhost/db\n"
        ),
    );
    let print = format!(
        "echo ghp_0123456789abcdefghij0123456789abcdef; echo 0f1e2d3c4b5a69788796a5b4c3d2e1f0; echo hidden-in-query; echo {pem}; echo tok-0123456789; echo hidden-password
         echo username general service_account"
    );
    let outcome = redacted(&ultra, &print).exits(0);
    assert_eq!(
        outcome.stdout.lines().collect::<Vec<_>>(),
        [
            "[redacted:REPO_URL]",
            "[redacted:SENTRY_DSN]",
            "[redacted:HOOK_TOKEN]",
            "[redacted:GCP_CREDENTIALS]",
            "[redacted:GCP_CREDENTIALS]",
            "[redacted:DATABASE_URL]",
            "username general service_account",
        ]
    );
}

#[test]
fn what_an_encoder_breaks_into_lines_is_masked_wherever_the_secret_lies() {
    let ultra = Ultra::empty()
        .env("APP_TOKEN", "sk-0123456789ABCDEFGHIJ0123456789abcdef")
        .env("CERT_SECRET", "line-of-14-byt\n  fifteen-bytes-x  \nshort\nq\"uoted line");
    let outcome = redacted(
        &ultra,
        r#"fill=$(printf '%050d' 0)
         for n in '' 1 12 123 1234 12345; do
             printf '%s%s%s%s' "$fill" "$n" "$APP_TOKEN" "$fill" | base64 | tee "wrapped$n" | sed 's/^/    /'
             awk '{ printf "%s\\n", $0 } END { print "" }' "wrapped$n"
         done
         printf '%s' "$APP_TOKEN$APP_TOKEN" | od -An -v -tx1 | tr -d ' '
         echo line-of-14-byt; echo '<fifteen-bytes-x>'; echo short
         printf '%s' '{"pem":"line-of-14-byt\n  fifteen-bytes-x  \nshort\nq\"uoted line"}' | base64
         echo "line-of-14-byt%250A%2520%2520fifteen-bytes-x%2520%2520%250Ashort%250Aq%2522uoted%2520line""#,
    )
    .exits(0);
    let count = |text: &str| outcome.stdout.matches(text).count();
    assert_eq!(count("[redacted:APP_TOKEN]"), 6 * 2 + 2, "{}", outcome.stdout);
    assert_eq!(count("[redacted:CERT_SECRET]"), 4, "{}", outcome.stdout);
    assert_eq!(count("short"), 1);
    let shown = outcome.stdout.replace("\\n", "").replace(['\n', ' '], "");
    for hidden in
        ["MTIzNDU2", "EyMzQ1Nj", "xMjM0NTY", "3031323334", "line-of", "fifteen", "bGluZS1vZi"]
    {
        assert!(!shown.contains(hidden), "{hidden} in {}", outcome.stdout);
    }
}

#[test]
fn a_secret_in_two_writes_is_masked_and_a_prompt_is_not_held_back() {
    let ultra = Ultra::empty().env("APP_TOKEN", CANARY);
    let (first, second) = CANARY.split_at(9);
    let script = format!("printf 'Name? '; read x; printf %s {first}; read x; echo {second}");
    let mut child = ultra
        .command(["env", "run", "--redact", "--", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut prompt = [0; 6];
    stdout.read_exact(&mut prompt).unwrap();
    assert_eq!(&prompt, b"Name? ");
    child.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "[redacted:APP_TOKEN]\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_output_that_does_not_block_loses_nothing() {
    const SIZE: usize = 1_000_000;
    let ultra = Ultra::empty();
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let mut command = ultra.command(["env", "run", "--redact", "--", "head", "-c"]);
    command.args([&SIZE.to_string(), "/dev/zero"]).stdout(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    eventually(Duration::from_secs(20), "a full pipe", || {
        (rustix::io::ioctl_fionread(&reader).unwrap() >= 65_536).then_some(())
    });
    let mut text = Vec::new();
    reader.read_to_end(&mut text).unwrap();
    assert_eq!(text.len(), SIZE);
    assert!(child.wait().unwrap().success());
}

#[test]
fn signals_reach_a_redacted_command_and_leftovers_do_not_hold_it_up() {
    let ultra = Ultra::empty();
    for (signal, code) in [("TERM", 11), ("INT", 12), ("HUP", 13), ("USR1", 14)] {
        let script =
            format!("trap 'exit {code}' {signal}; echo ready; while :; do sleep 0.02; done");
        let mut child =
            ultra.command(["env", "run", "--redact", "--", "sh", "-c", &script]).spawn().unwrap();
        let mut ready = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let sent = ultra.wrapped("kill", [&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let status =
            eventually(Duration::from_secs(20), "the command's end", || child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code), "{signal}");
    }
    let begun = std::time::Instant::now();
    redacted(&ultra, "sleep 60 & echo done").exits(0).says("done\n");
    assert!(begun.elapsed() < Duration::from_secs(30), "somebody waited for what was left running");
}

#[test]
fn who_keeps_the_pipe_open_and_writes_holds_nothing_up() {
    const SIZE: usize = 300_000;
    let ultra = Ultra::empty();
    // The background process writes for ever; its end is that nobody reads any more.
    let script = format!(
        "(while :; do echo x; sleep 0.02; done) & head -c {SIZE} /dev/zero | tr '\\0' a; exit 7"
    );
    let mut child =
        ultra.command(["env", "run", "--redact", "--", "sh", "-c", &script]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).map(|_| text)
    });
    let status =
        eventually(Duration::from_secs(20), "the command's end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(7));
    let text = reader.join().unwrap().unwrap();
    assert_eq!(text.iter().filter(|byte| **byte == b'a').count(), SIZE, "something was cut off");
}

#[test]
fn a_reader_that_does_not_read_can_be_given_up() {
    let ultra = Ultra::empty();
    let script = "head -c 100000 /dev/zero; : > ended";
    let mut child =
        ultra.command(["env", "run", "--redact", "--", "sh", "-c", script]).spawn().unwrap();
    let file = ultra.root().join("ended");
    eventually(Duration::from_secs(20), "all of it written", || file.exists().then_some(()));
    let id = child.id().to_string();
    let status = eventually(Duration::from_secs(20), "the end", || {
        assert!(ultra.wrapped("kill", ["-TERM", &id]).status().is_ok());
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(143));
}

#[test]
#[cfg(target_os = "linux")]
fn a_redacted_command_does_not_outlive_a_killed_ultra() {
    let ultra = Ultra::empty();
    let mut child = ultra
        .command(["env", "run", "--redact", "--", "sh", "-c", "echo $$; exec sleep 600"])
        .spawn()
        .unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut id = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut id).unwrap();
    let stat = format!("/proc/{}/stat", id.trim());
    assert!(std::fs::exists(&stat).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually(Duration::from_secs(20), "the command's end", || {
        // Whoever inherits it may take its time to bury it.
        let state = std::fs::read_to_string(&stat).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_secret_costs_little_and_is_found_in_every_form() {
    const LETTERS: &[u8] = b"abcdefghijklm/+ \"nopqrstuvwxyz";
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        char::from(LETTERS[(state >> 16) as usize % LETTERS.len()])
    };
    let secret: String = (0..100_000).map(|_| letter()).collect();
    let peak = |ultra: &Ultra, script: &str| -> u64 {
        let script = format!("grep VmHWM /proc/$PPID/status >&2; {script}");
        let outcome = redacted(ultra, &script).exits(0);
        let line = outcome.stderr.split_whitespace().nth(1).unwrap().to_owned();
        line.parse().unwrap()
    };
    let ultra = Ultra::empty().env("APP_TOKEN", &secret[..50]);
    let small = peak(&ultra, "true");
    let ultra = Ultra::empty().env("APP_TOKEN", &secret);
    let large = peak(&ultra, "true");
    assert!(large < small + 16_000, "{large} kB and not {small} kB");
    for print in [
        "printf %s \"$APP_TOKEN\"",
        "printf %s \"$APP_TOKEN\" | base64 -w0",
        "printf %s \"$APP_TOKEN\" | base64",
        "printf %s \"xx$APP_TOKEN\" | base64 -w0",
        "printf %s \"$APP_TOKEN\" | od -An -v -tx1 | tr -d ' \\n'",
        "printf %s \"$APP_TOKEN\" | sed 's/\"/\\\\\"/g'",
        "printf %s \"$APP_TOKEN\" | sed 's/\"/%22/g; s/ /%20/g; s,/,%2F,g; s/+/%2B/g'",
    ] {
        let outcome = redacted(&ultra, print).exits(0);
        let rest = outcome.stdout.replacen("[redacted:APP_TOKEN]", "", 1);
        assert!(
            rest.len() <= 8 && rest.len() < outcome.stdout.len(),
            "{print} left {}",
            rest.len()
        );
    }
}

#[test]
fn a_closed_pipe_ends_a_redacted_command_quietly() {
    let ultra = Ultra::empty();
    let mut child = ultra.command(["env", "run", "--redact", "--", "yes"]).spawn().unwrap();
    let mut some = [0; 4];
    child.stdout.as_mut().unwrap().read_exact(&mut some).unwrap();
    drop(child.stdout.take());
    let status =
        eventually(Duration::from_secs(20), "the command's end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(141));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_server_without_a_key_is_told_from_a_profile_that_keeps_none() {
    let mut ultra = Ultra::empty();
    ultra.set_env("DATABASE_URL", format!("postgres://u:{CANARY}@127.0.0.1:9/x"));
    let server = Server::start(&ultra, &["--mock"]);
    ultra.unset_env("DATABASE_URL");
    for args in [&["env", "run", "--gateway", "--", "true"][..], &["env", "export", "--gateway"]] {
        ultra
            .run(args)
            .exits(5)
            .complains(server.addr())
            .complains("cannot reach the store")
            .complains("@127.0.0.1:9/x")
            .keeps_the_canary();
    }
    server.stop();
}

#[test]
fn the_gateway_takes_the_place_of_every_provider() {
    let ultra = Ultra::empty();
    ultra.run(&["env", "run", "--gateway", "--", "true"]).exits(5).complains("ultra serve");
    let server = Server::start(&ultra, &["--mock"]);
    let key = std::fs::read_to_string(ultra.state().join("dev-key")).unwrap();
    let ultra = ultra
        .env("OPENAI_API_KEY", CANARY)
        .env("GOOGLE_API_KEY", "AIzaSyCanaryCanaryCanary")
        .env("GEMINI_API_KEY", "AIzaSyCanaryCanaryCanary")
        .env("NAMED_OTHERWISE", CANARY)
        .env("HARMLESS", "kept");
    let vars = child(&ultra, &["--gateway"]);
    assert_eq!(vars["OPENAI_BASE_URL"], server.url("/v1"));
    assert_eq!(vars["ANTHROPIC_BASE_URL"], server.url(""));
    assert_eq!(vars["OPENAI_API_KEY"], key.trim());
    assert_eq!(vars["ANTHROPIC_API_KEY"], key.trim());
    assert_eq!(vars["HARMLESS"], "kept");
    assert!(!vars.values().any(|value| value.to_lowercase().contains("canary")), "{vars:?}");
    server.stop().exits(0);
}

#[test]
fn what_stands_below_the_name_of_a_secret_in_a_document_is_masked() {
    let ultra = Ultra::empty();
    let document = r#"{"credentials":{"value":"nested-word","pins":[12345678,98765432109876543210987]},"page":"plain-word"}"#;
    ultra.write_private(".env.local", format!("APP_TOKEN='{document}'\n"));
    let said =
        redacted(&ultra, "echo nested-word 12345678 98765432109876543210987 plain-word").exits(0);
    said.says("[redacted:APP_TOKEN] [redacted:APP_TOKEN] [redacted:APP_TOKEN] plain-word\n");
}

#[test]
fn a_secret_that_is_no_text_is_masked() {
    let bytes = b"hunter22\xe9secret".to_vec();
    let value = std::ffi::OsString::from_vec(bytes.clone());
    let script = "printf '%s\\n' \"$DB_PASSWORD\"; printf %s \"$DB_PASSWORD\" | base64";
    let mut command = Ultra::empty().command(["env", "run", "--redact", "--", "sh", "-c", script]);
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path()).env("DB_PASSWORD", &value).env("PAGE", &value);
    let said: Outcome = command.output().unwrap().into();
    assert_eq!(said.stdout, "[redacted:DB_PASSWORD]\n[redacted:DB_PASSWORD]\n", "{}", said.stderr);
    assert!(!said.stderr.contains("hunter22") && !said.stderr.contains("not redacted"));
}

#[test]
fn a_declared_secret_that_is_no_text_is_masked_whatever_its_name() {
    let secret = std::ffi::OsString::from_vec(b"hidden\xffvalue-0123".to_vec());
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\nsecrets:\n  MY_LOGIN: env:OTHERX\n");
    for trusted in [false, true] {
        if trusted {
            ultra.run(&["env", "trust", "--yes"]).exits(0);
        }
        let args = ["env", "run", "--redact", "--", "sh", "-c", "printf '%s\\n' \"$MY_LOGIN\""];
        let said: Outcome = ultra.command(args).env("MY_LOGIN", &secret).output().unwrap().into();
        assert_eq!(said.stdout, "[redacted:MY_LOGIN]\n", "trusted: {trusted}; {}", said.stderr);
        // Nor does it come along where it is not asked for.
        let args =
            ["env", "run", "--only", "ULTRA_PORT", "--", "sh", "-c", "echo ${MY_LOGIN-none}"];
        let said: Outcome = ultra.command(args).env("MY_LOGIN", &secret).output().unwrap().into();
        assert_eq!(said.stdout, "none\n", "trusted: {trusted}; {}", said.stderr);
    }
}

#[test]
fn every_member_of_a_document_is_masked_where_a_name_stands_twice() {
    let ultra = Ultra::empty();
    let document = r#"{"token":"first-hidden-1","token":"second-hidden-2"}"#;
    ultra.write_private(".env.local", format!("APP_CREDENTIALS='{document}'\n"));
    redacted(&ultra, "echo first-hidden-1 second-hidden-2")
        .exits(0)
        .says("[redacted:APP_CREDENTIALS] [redacted:APP_CREDENTIALS]\n");
}
