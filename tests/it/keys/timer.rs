//! What runs `keys rotate --all-due` by the clock, held against the programs that will read it.

use super::with_identity_file;
use crate::support::{Ultra, have, missing};
use serde_json::Value;
use std::path::PathBuf;

/// An old Kubernetes and a new one.
const KUBERNETES: [&str; 2] = ["1.27", "1.37"];

fn rendered(ultra: &Ultra, template: &str) -> String {
    ultra.run(&["env", "render", template, "--profile", "prod"]).exits(0).stdout
}

fn project() -> Ultra {
    let ultra = with_identity_file();
    ultra.write(
        "profiles/prod.yaml",
        "mode: mock\nvars: {APP_NAME: 'acme %h $USER', APP_LEVEL: '5'}\n\
         secrets: {DATABASE_URL: 'vault:database'}\n",
    );
    ultra.run(&["env", "trust", "--yes"]);
    ultra
}

/// The command that is run does what it is for: nothing is due, and it says so.
fn runs(ultra: &Ultra, args: &[&str]) {
    assert_eq!(args.get(..3), Some(&["keys", "rotate", "--all-due"][..]), "{args:?}");
    let jwt = ["keys", "set", "jwt", "--generate", "--profile", "prod", "--yes"];
    ultra.run(&[&jwt[..], &["--replace"]].concat()).exits(0);
    ultra.run(args).exits(0).says("nothing is due");
}

#[test]
fn systemd_takes_the_timer_and_the_service_that_it_starts() {
    let ultra = project();
    let (service, timer) = (rendered(&ultra, "rotate-service"), rendered(&ultra, "rotate-timer"));
    let line = service.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let (program, args) = line.split_once(' ').unwrap();
    runs(&ultra, &args.split(' ').map(|arg| arg.trim_matches('"')).collect::<Vec<_>>());
    assert!(timer.contains("Unit=ultra-rotate.service\n"), "{timer}");
    if !have("systemd-analyze") {
        return;
    }
    let installed = service.replace(program, env!("CARGO_BIN_EXE_ultra"));
    let units = [
        ultra.write("units/ultra-rotate.service", installed),
        ultra.write("units/ultra-rotate.timer", &timer),
    ];
    let verified = |units: &[PathBuf]| {
        let args = ["verify".into(), "--man=no".into()];
        let args = args.into_iter().chain(units.iter().map(|unit| unit.as_os_str().to_owned()));
        let output = ultra.wrapped("systemd-analyze", args).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(verified(&units), (true, String::new()), "{service}\n{timer}");
    // It would have said if something were wrong.
    let wrong = timer.replace("OnCalendar=hourly", "OnCalendar=nonsense");
    let (_, told) = verified(&[units[0].clone(), ultra.write("units/ultra-rotate.timer", wrong)]);
    assert!(told.contains("nonsense"), "{told}");
}

#[test]
fn kubernetes_takes_the_cron_job_and_the_deployment() {
    let ultra = project();
    let job = rendered(&ultra, "rotate-cronjob");
    let read: Value = serde_yaml::from_str(&job).unwrap();
    let pod = &read["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let args = pod["containers"][0]["args"].as_array().unwrap();
    runs(&ultra, &args.iter().map(|arg| arg.as_str().unwrap()).collect::<Vec<_>>());
    // Whatever is mounted is a volume.
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&pod["containers"][0]["volumeMounts"]), names(&pod["volumes"]));

    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    let program = cache.join("ultra/venv/bin/kubernetes-validate");
    if !program.is_file() {
        return missing("kubernetes-validate");
    }
    ultra.write("cronjob.yaml", &job);
    ultra.write("server.yaml", rendered(&ultra, "kubernetes"));
    ultra.write("wrong.yaml", job.replace("concurrencyPolicy:", "concurrencyPolice:"));
    let judged = |version: &str, files: &[&str]| {
        let args = [&["--strict", "--no-warn", "-k", version][..], files].concat();
        let output = ultra.wrapped(program.to_str().unwrap(), args).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&told).into_owned())
    };
    for version in KUBERNETES {
        let (holds, told) = judged(version, &["cronjob.yaml", "server.yaml"]);
        assert!(holds, "{version}: {told}\n{job}");
    }
    let (holds, told) = judged(KUBERNETES[1], &["wrong.yaml"]);
    assert!(!holds && told.contains("concurrencyPolice"), "{told}");
}
