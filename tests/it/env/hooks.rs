//! Variables of a cloned root that would make a command run its author's code.

use crate::support::Ultra;

/// A cloned root whose `line` would have bash run its script, and what bash says below `env run`.
fn cloned(line: &str) -> Ultra {
    let ultra = Ultra::empty();
    ultra.write("theirs.sh", "echo theirs ran\n");
    ultra.write(".env.local", format!("GREETING=hello\n{line}"));
    ultra
}

fn bash(ultra: &Ultra, args: &[&str]) -> crate::support::Outcome {
    let words = ["--", "bash", "-c", "echo $GREETING"];
    let all: Vec<&str> = ["env", "run"].iter().chain(args).chain(&words).copied().collect();
    ultra.run(&all).exits(0)
}

#[test]
fn a_cloned_root_runs_nothing_before_it_is_trusted() {
    let ultra = cloned("BASH_ENV=./theirs.sh\n");
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "hello\n");
    ran.complains("`BASH_ENV` is not handed on")
        .complains(".env.local:2")
        .complains("ultra env trust");
    let export = ultra.run(&["env", "export", "--shell", "json"]).exits(0);
    assert!(!export.stdout.contains("theirs"), "{}", export.stdout);
    export.says("hello").complains("BASH_ENV");
    // What is not asked for is not spoken of.
    let only = bash(&ultra, &["--only", "GREETING"]);
    assert!(!only.stderr.contains("BASH_ENV"), "{}", only.stderr);

    ultra
        .run(&["env", "trust", "--no-input"])
        .exits(6)
        .complains(".env.local:2")
        .complains("BASH_ENV");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("./theirs.sh");
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "theirs ran\nhello\n");
    assert!(!ran.stderr.contains("BASH_ENV"), "{}", ran.stderr);
    // Agreed to is this value and no other one, and no other such variable.
    for line in ["BASH_ENV=theirs.sh\n", "BASH_ENV=./theirs.sh\nLD_PRELOAD=./theirs.so\n"] {
        ultra.write(".env.local", format!("GREETING=hello\n{line}"));
        let ran = bash(&ultra, &[]);
        assert_eq!(ran.stdout, "hello\n", "{line}");
        ran.complains("`BASH_ENV` is not handed on");
    }
}

#[test]
fn nor_by_a_profile_nor_by_a_value_pieced_together() {
    let ultra = cloned("");
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  BASH_ENV: ./theirs.sh\n");
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "hello\n");
    ran.complains("profiles/dev.yaml:3").complains("ultra env trust");
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("./theirs.sh");
    assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n");

    let ultra = cloned("BASH_ENV=${SCRIPT}\n");
    ultra.write(".env", "SCRIPT=./theirs.sh\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "hello\n");
    ran.complains("write the whole value");
}

/// What was agreed to is a reference of another profile, and no text.
#[test]
fn nor_because_a_profile_has_a_secret_of_that_name() {
    let ultra = cloned("BASH_ENV=${SCRIPT}\n");
    ultra.write(".env", "SCRIPT=./theirs.sh\n");
    ultra.write("profiles/other.yaml", "mode: mock\nsecrets:\n  BASH_ENV: vault:start\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "hello\n");
    ran.complains("`BASH_ENV` is not handed on").complains("write the whole value");
}

/// A variable of the process environment that the root's files speak of may have come from them: what
/// they say is agreed to, too.
#[test]
fn nor_by_way_of_a_variable_that_a_file_can_set() {
    let reference = "mode: mock\nsecrets:\n  BASH_ENV: env:SCRIPT\n";
    let ultra = cloned("").env("SCRIPT", "./theirs.sh");
    ultra.write("profiles/dev.yaml", reference);
    assert_eq!(bash(&ultra, &[]).stdout, "hello\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n");
    for (file, said) in [
        (".env", "SCRIPT=./other.sh\n"),
        ("profiles/dev.yaml", &*format!("{reference}vars:\n  SCRIPT: ./other.sh\n")),
    ] {
        ultra.write(file, said);
        assert_eq!(bash(&ultra, &[]).stdout, "hello\n", "{file}");
        let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6);
        asked.complains("sets `SCRIPT`").complains(file);
        ultra.run(&["env", "trust", "--yes"]).exits(0).says("./other.sh");
        assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n", "{file}");
    }
    // What stands in a file can change without any line that names it.
    ultra.write_private("o", "./theirs.sh");
    ultra.write("profiles/other.yaml", "secrets:\n  SCRIPT: file:o\n");
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let ran = bash(&ultra, &[]);
    assert_eq!(ran.stdout, "hello\n");
    ran.complains("`SCRIPT` at profiles/other.yaml:2").complains("nobody can agree to it");
}

/// A file of the root gives a variable its value: what stands in it is agreed to, and not its path.
#[test]
fn nor_by_a_file_of_the_root_that_changes() {
    for path in ["./o", "o"] {
        let ultra = cloned("");
        ultra.write("profiles/dev.yaml", format!("secrets:\n  BASH_ENV: file:{path}\n"));
        ultra.write_private("o", "./other.sh\n");
        ultra.run(&["env", "trust", "--yes"]).exits(0).says("./other.sh");
        let ran = bash(&ultra, &[]);
        assert!(!ran.stderr.contains("not handed on"), "{}", ran.stderr);
        ultra.write_private("o", "./theirs.sh\n");
        let ran = bash(&ultra, &[]);
        assert_eq!(ran.stdout, "hello\n");
        ran.complains("have changed since you trusted them");
        ultra.run(&["env", "trust", "--yes"]).exits(0).says("./theirs.sh");
        assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n");
    }
    // One of the user's own may say another thing at any time.
    let ultra = cloned("");
    let own = ultra.home().join("own");
    std::fs::write(&own, "./other.sh\n").unwrap();
    let own_path = own.display();
    ultra.write("profiles/dev.yaml", format!("secrets:\n  BASH_ENV: file:{own_path}\n"));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    std::fs::write(&own, "./theirs.sh\n").unwrap();
    assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n");
}

#[test]
fn the_users_own_variables_pass() {
    // A file that the command line names.
    let ultra = cloned("BASH_ENV=./other.sh\n");
    ultra.write("mine.env", "BASH_ENV=./theirs.sh\n");
    let ran = bash(&ultra, &["--file", "mine.env"]);
    assert_eq!(ran.stdout, "theirs ran\nhello\n");
    assert!(!ran.stderr.contains("not handed on"), "{}", ran.stderr);
    // The process environment, which wins over the root's file.
    let ultra = cloned("BASH_ENV=./other.sh\n").env("BASH_ENV", "./theirs.sh");
    assert_eq!(bash(&ultra, &[]).stdout, "theirs ran\nhello\n");
}

#[test]
fn nor_by_the_variables_of_tools_that_the_command_starts() {
    let ultra = Ultra::empty();
    let names = [
        "GNUMAKEFLAGS",
        "TAR_OPTIONS",
        "HOME",
        "KUBECONFIG",
        "DOCKER_HOST",
        "RUSTFLAGS",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "npm_config_script_shell",
        "PIP_INDEX_URL",
        "ANSIBLE_LIBRARY",
        "COR_PROFILER_PATH",
        "CC",
    ];
    let lines = names.map(|name| format!("{name}=theirs\n")).concat();
    ultra.write(".env.local", format!("{lines}CARGO_TARGET_DIR=mine\n"));
    let ran = ultra.run(&["env", "run", "--", "env"]).exits(0).says("CARGO_TARGET_DIR=mine");
    assert!(!ran.stdout.contains("theirs"), "{}", ran.stdout);
    for name in names.iter().filter(|name| **name != "HOME") {
        assert!(ran.stderr.contains(&format!("`{name}` is not handed on")), "{}", ran.stderr);
    }
}

#[test]
fn nor_does_it_lead_elsewhere_what_a_command_sends() {
    let ultra = Ultra::empty();
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "GIT_SSL_NO_VERIFY",
        "OPENAI_API_BASE",
        "AZURE_OPENAI_ENDPOINT",
        "GOFLAGS",
        "PYTEST_ADDOPTS",
        "COMPOSER_HOME",
        "LUA_CPATH",
        "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS",
        "CARGO_HTTP_PROXY",
        "grpc_proxy",
        "DENO_CERT",
        "PGHOST",
        "AWS_ENDPOINT_URL_S3",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "CONSUL_HTTP_ADDR",
        "AI_GATEWAY_BASE_URL",
        "DOCKER_CERT_PATH",
    ];
    let lines = names.map(|name| format!("{name}=theirs\n")).concat();
    ultra.write(".env.local", format!("{lines}APP_BASE_URL=mine\n"));
    let ran = ultra.run(&["env", "run", "--", "env"]).exits(0).says("APP_BASE_URL=mine");
    assert!(!ran.stdout.contains("theirs"), "{}", ran.stdout);
    for name in names {
        assert!(ran.stderr.contains(&format!("`{name}` is not handed on")), "{}", ran.stderr);
    }
    ran.complains("it can lead what a program sends, keys included, elsewhere");
    // A password in the address of a proxy is not shown to who is asked.
    ultra.write(".env.local", "HTTPS_PROXY=http://me:hunter2-hunter2@proxy.example.org:3128\n");
    let asked = ultra.run(&["env", "trust", "--no-input"]).exits(6);
    assert!(!asked.stderr.contains("hunter2"), "{}", asked.stderr);
    ultra.run(&["env", "trust", "--yes"]).exits(0).says("proxy.example.org:3128");
    ultra.run(&["env", "run", "--", "env"]).exits(0).says("hunter2-hunter2@proxy");
}

#[test]
fn nothing_that_runs_code_gets_into_a_file_for_other_tools() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "mode: mock\nvars:\n  LD_PRELOAD: ./theirs.so\n  A: b\n");
    ultra.run(&["env", "switch", "dev"]).exits(0).says("`LD_PRELOAD` is not written to `.env`");
    let file = ultra.read(".env");
    assert!(file.contains("A=b\n") && !file.contains("theirs.so"), "{file}");
    assert!(file.contains("# LD_PRELOAD is left out: it can make a program run code"), "{file}");
    let args = ["env", "render", "dotenv"];
    let rendered = ultra.run(&args).exits(0).complains("`LD_PRELOAD` is not rendered");
    assert!(rendered.stdout.contains("A=b\n"), "{}", rendered.stdout);
    assert!(!rendered.stdout.contains("LD_PRELOAD"), "{}", rendered.stdout);

    ultra.run(&["env", "trust", "--yes"]).exits(0);
    ultra.run(&["env", "switch", "dev"]).exits(0);
    assert!(ultra.read(".env").contains("LD_PRELOAD=./theirs.so\n"));
    ultra.run(&args).exits(0).says("LD_PRELOAD=");
}
