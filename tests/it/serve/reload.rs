//! Routes, providers and prices change while the server runs, and only to what a start would take.

use super::upstream::{self, Upstream};
use super::{chat, with_key};
use crate::support::{CANARY, Server, Ultra, eventually};
use serde_json::Value;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
const RELOAD: &str = "/api/admin/keys/reload";
const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER: &str =
    r#"{"id":"x","choices":[{}],"usage":{"prompt_tokens":1000,"completion_tokens":1000}}"#;

fn hello(model: &str) -> String {
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}]}}"#)
}

/// A profile whose providers `p0`, `p1` … are at these places, with these routes and variables.
fn profile(places: &[&str], routes: &str, vars: &str) -> String {
    let (mut secrets, mut providers) = (String::new(), String::new());
    for (n, place) in places.iter().enumerate() {
        secrets += &format!("  P{n}_KEY: env:P{n}_KEY\n");
        providers +=
            &format!("  p{n}: {{kind: openai, base_url: \"{place}\", keys: [P{n}_KEY]}}\n");
    }
    format!(
        "mode: real\nvars: {{{vars}}}\nsecrets:\n{secrets}providers:\n{providers}routes:\n{routes}"
    )
}

fn route(model: &str, target: &str) -> String {
    let (provider, upstream) = target.split_once('/').unwrap();
    format!("  {model}: {{targets: [{{provider: {provider}, model: {upstream}}}]}}\n")
}

/// A server with that profile, which its user has agreed to.
fn serving(profile: &str) -> (Ultra, Server) {
    let ultra =
        Ultra::empty().env("P0_KEY", format!("{CANARY}-0")).env("P1_KEY", format!("{CANARY}-1"));
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}

fn who(ultra: &Ultra, server: &Server, model: &str) -> Option<String> {
    let answer = chat(ultra, CHAT, &hello(model)).send(server.addr());
    answer.header("x-ultra-provider").map(str::to_owned)
}

fn configuration(ultra: &Ultra, server: &Server) -> Value {
    let health = with_key(ultra, "GET", "/api/health?detail=true").send(server.addr()).is(200);
    health.json()["services"]["configuration"].clone()
}

fn metrics(ultra: &Ultra, server: &Server) -> String {
    with_key(ultra, "GET", "/metrics").send(server.addr()).is(200).text()
}

fn good() -> Upstream {
    Upstream::saying(upstream::json("200 OK", ANSWER))
}

#[test]
fn a_changed_profile_is_taken_over_by_itself_and_what_stays_keeps_its_state() {
    let (broken, second) = (Upstream::saying(upstream::json("500 Oops", "{}")), good());
    let places = [&*broken.openai(), &*second.openai()];
    let (ultra, server) = serving(&profile(&places, &route("m", "p0/a"), ""));
    for _ in 0..3 {
        chat(&ultra, CHAT, &hello("m")).send(server.addr());
    }
    let asked = broken.received().len();
    chat(&ultra, CHAT, &hello("n")).send(server.addr()).is(404);

    let both = "  m:\n    requests_per_minute: 50\n    targets: [{provider: p0, model: a}, {provider: p1, model: b}]\n";
    let routes = format!("{both}{}", route("n", "p1/b"));
    ultra.write("profiles/dev.yaml", profile(&places, &routes, ""));
    eventually(PATIENCE, "the new route", || {
        (who(&ultra, &server, "n").as_deref() == Some("p1")).then_some(())
    });
    // The breaker of the first target has stayed open, and its key is the same.
    let breakers = with_key(&ultra, "GET", "/api/health/circuit-breakers").send(server.addr());
    let breakers = breakers.is(200).json();
    let all = breakers["circuit_breakers"].as_array().unwrap();
    let first = all.iter().find(|b| b["target"] == "p0/a").unwrap();
    assert_eq!((&first["state"], &first["opened"]), (&"open".into(), &1.into()), "{first}");
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p1"));
    assert!(broken.received().len() <= asked + 2, "it rested on");
    let slots = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200).json();
    assert_eq!((&slots["added"], &slots["slots"][0]["generation"]), (&0.into(), &1.into()));
    assert_eq!(configuration(&ultra, &server)["status"], "ok");

    // A route that is gone is gone, by SIGHUP as well.
    ultra.write("profiles/dev.yaml", profile(&places, &route("n", "p1/b"), ""));
    server.signal("HUP");
    eventually(PATIENCE, "the end of the route", || {
        (chat(&ultra, CHAT, &hello("m")).send(server.addr()).status == 404).then_some(())
    });
    server.stop().keeps_the_canary();
}

#[test]
fn a_broken_file_changes_nothing_and_is_told() {
    let provider = good();
    let whole = profile(&[&provider.openai()], &route("m", "p0/a"), "");
    let (ultra, server) = serving(&whole);
    let broken = whole.replace("provider: p0", "provider: nobody");
    ultra.write("profiles/dev.yaml", &broken);
    let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422);
    let message = refused.json()["message"].to_string();
    assert!(message.contains("nothing was changed"), "{message}");
    assert!(message.contains("profiles/dev.yaml:"), "{message}");
    eventually(PATIENCE, "health to tell", || {
        let seen = configuration(&ultra, &server);
        (seen["status"] == "degraded" && seen["using_fallback"] == true).then_some(())
    });
    assert!(metrics(&ultra, &server).contains("ultra_config_reload_failed 1"));
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    let health = with_key(&ultra, "GET", "/api/health").send(server.addr()).is(200).json();
    assert_eq!(health["status"], "degraded");
    // It serves on, and whoever looks sees what is wrong.
    let status = ultra.run(&["check", "status", "-o", "json"]).exits(0).json();
    let parts = status["servers"][0]["components"].as_array().unwrap();
    let part = parts.iter().find(|part| part["name"] == "configuration").unwrap();
    assert_eq!(part["status"], "degraded", "{status}");

    // Half a file is no other set either.
    let refused = || {
        let metrics = metrics(&ultra, &server);
        let mut lines = metrics.lines();
        let count = lines.find_map(|l| {
            l.strip_prefix("ultra_config_loads_total{outcome=\"refused\"} ")?.parse::<u64>().ok()
        });
        count.unwrap_or_default()
    };
    let before = refused();
    ultra.write("profiles/dev.yaml", &whole[..whole.len() / 2]);
    server.signal("HUP");
    // By the watch and by the signal, whichever comes first.
    eventually(PATIENCE, "both to be refused", || (refused() >= before + 2).then_some(()));
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    ultra.write("profiles/dev.yaml", &whole);
    eventually(PATIENCE, "health to be well", || {
        (configuration(&ultra, &server)["status"] == "ok").then_some(())
    });
    let metrics = metrics(&ultra, &server);
    assert!(metrics.contains("ultra_config_reload_failed 0"), "{metrics}");
    assert!(metrics.contains("ultra_config_loads_total{outcome=\"refused\"}"), "{metrics}");
    server.stop();
}

#[test]
fn files_that_are_moved_away_and_back_are_taken_for_what_they_are() {
    let provider = good();
    let with = |model: &str| profile(&[&provider.openai()], &route(model, "p0/a"), "");
    let (ultra, server) = serving(&with("m"));
    let (there, elsewhere) = (ultra.root().join("profiles/dev.yaml"), ultra.root().join("away"));
    let is = |status: &str| {
        eventually(PATIENCE, status, || {
            (configuration(&ultra, &server)["status"] == status).then_some(())
        });
    };
    // Neither the inode nor the time of a file that is renamed changes.
    std::fs::rename(&there, &elsewhere).unwrap();
    is("degraded");
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    std::fs::rename(&elsewhere, &there).unwrap();
    is("ok");
    assert!(metrics(&ultra, &server).contains("ultra_config_reload_failed 0"));

    // So is what was loaded before, though somebody else has asked for another in between.
    let link = |model: &str| {
        let file = ultra.write(&format!("{model}.yaml"), with(model));
        ultra.run(&["env", "trust", "--yes"]).exits(0);
        file
    };
    let (two, three) = (link("two"), link("three"));
    let swap = |to: &std::path::Path| {
        std::os::unix::fs::symlink(to, &elsewhere).unwrap();
        std::fs::rename(&elsewhere, &there).unwrap();
    };
    let serves = |model: &str| {
        eventually(PATIENCE, model, || {
            (who(&ultra, &server, model).as_deref() == Some("p0")).then_some(())
        });
    };
    swap(&two);
    serves("two");
    swap(&three);
    with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200);
    assert_eq!(who(&ultra, &server, "three").as_deref(), Some("p0"));
    swap(&two);
    serves("two");
    server.stop().keeps_the_canary();
}

#[test]
fn a_profile_that_is_emptied_cut_or_gone_takes_nothing_away() {
    let provider = good();
    let whole = profile(&[&provider.openai()], &route("m", "p0/a"), "");
    let (ultra, server) = serving(&whole);
    let before_routes = whole.split("routes:").next().unwrap();
    for (left, told) in [
        (Some(""), "the profile says nothing any more"),
        (Some("# nothing\n\n"), "the profile says nothing any more"),
        (Some("{}\n"), "the profile says nothing any more"),
        (Some(before_routes), "the profile has no `routes` any more"),
        (Some("mode: real\n"), "the profile has no `routes` any more"),
        (None, "the file of the profile is gone"),
    ] {
        match left {
            Some(text) => drop(ultra.write("profiles/dev.yaml", text)),
            None => std::fs::remove_file(ultra.root().join("profiles/dev.yaml")).unwrap(),
        }
        let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422).text();
        assert!(refused.contains(told) && refused.contains("restart the server"), "{refused}");
        assert!(refused.contains("profiles/dev.yaml"), "{refused}");
        assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"), "{told}");
        eventually(PATIENCE, "health to tell", || {
            (configuration(&ultra, &server)["status"] == "degraded").then_some(())
        });
        assert!(metrics(&ultra, &server).contains("ultra_config_reload_failed 1"), "{told}");
        // The end of an editor's write comes by itself.
        ultra.write("profiles/dev.yaml", &whole);
        eventually(PATIENCE, "health to be well", || {
            (configuration(&ultra, &server)["status"] == "ok").then_some(())
        });
        assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"), "{told}");
    }
    server.stop().keeps_the_canary();
}

#[test]
fn a_server_starts_with_a_profile_that_says_nothing_and_takes_what_comes() {
    let ultra = Ultra::empty();
    ultra.write("profiles/dev.yaml", "# later\n");
    let server = Server::start(&ultra, &[]);
    ultra.write(
        "profiles/dev.yaml",
        "routes:\n  m: {targets: [{provider: openai, model: gpt-4o}]}\n",
    );
    eventually(PATIENCE, "the route", || {
        (chat(&ultra, CHAT, &hello("m")).send(server.addr()).status == 200).then_some(())
    });
    let ended = server.stop();
    assert!(
        ended.stderr.contains("the profile `profiles/dev.yaml` says nothing"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_is_only_worth_a_warning_is_no_reason_to_change_nothing() {
    let provider = good();
    let whole = profile(&[&provider.openai()], &route("m", "p0/a"), "")
        .replace("secrets:\n", "secrets:\n  SPARE_KEY: env:SPARE_KEY\n");
    let (ultra, server) = serving(&whole);
    ultra.write("profiles/dev.yaml", whole.replace("provider: p0", "provider: nobody"));
    let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422).text();
    assert!(refused.contains("`nobody`") && !refused.contains("SPARE_KEY"), "{refused}");
}

#[test]
fn an_address_that_nobody_agreed_to_gets_no_key() {
    let (agreed, other) = (good(), good());
    let (ultra, server) = serving(&profile(&[&agreed.openai()], &route("m", "p0/a"), ""));
    ultra.write("profiles/dev.yaml", profile(&[&other.openai()], &route("m", "p0/a"), ""));
    let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422);
    assert!(refused.text().contains("ultra env trust"), "{}", refused.text());
    for _ in 0..3 {
        assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    }
    assert_eq!(agreed.received().len(), 3);
    // Nobody but the user can change that, and then the server takes it by itself.
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    eventually(PATIENCE, "the new address", || {
        who(&ultra, &server, "m");
        (!other.received().is_empty()).then_some(())
    });
    assert!(other.received()[0].header("authorization").unwrap().ends_with("-0"));
    server.stop().keeps_the_canary();
}

#[test]
fn a_provider_that_is_taken_away_is_not_used_any_more_and_nobody_is_asked() {
    let (first, second) = (good(), good());
    let places = [&*first.openai(), &*second.openai()];
    let routes = [route("m", "p0/a"), route("n", "p1/b")];
    let (ultra, server) = serving(&profile(&places, &routes.concat(), ""));
    assert_eq!(who(&ultra, &server, "n").as_deref(), Some("p1"));
    ultra.write("profiles/dev.yaml", profile(&places[..1], &routes[0], ""));
    with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200);
    chat(&ultra, CHAT, &hello("n")).send(server.addr()).is(404);
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    server.stop().keeps_the_canary();
}

#[test]
fn a_provider_that_would_be_this_server_is_refused() {
    let provider = good();
    let (ultra, server) = serving(&profile(&[&provider.openai()], &route("m", "p0/a"), ""));
    let ourselves = server.url("/v1");
    ultra.write("profiles/dev.yaml", profile(&[&ourselves], &route("m", "p0/a"), ""));
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422);
    assert!(refused.text().contains("is this server"), "{}", refused.text());
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
}

#[test]
fn prices_are_taken_over_and_bad_ones_are_not() {
    let provider = good();
    let (ultra, server) = serving(&profile(&[&provider.openai()], &route("m", "p0/a"), ""));
    let cost = || {
        let answer = chat(&ultra, CHAT, &hello("m")).send(server.addr()).is(200);
        answer.header("x-ultra-cost").map(str::to_owned)
    };
    assert_eq!(cost(), None);
    let head = "provider,model,input_microusd_per_mtok,output_microusd_per_mtok\n";
    ultra.write("prices.csv", format!("{head}p0,a,1000000,2000000\n"));
    eventually(PATIENCE, "the first price", || (cost().as_deref() == Some("0.003")).then_some(()));
    ultra.write("prices.csv", format!("{head}p0,a,0.5,2000000\n"));
    let refused = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(422);
    assert!(refused.text().contains("prices.csv:2:"), "{}", refused.text());
    assert_eq!(cost().as_deref(), Some("0.003"));
    ultra.write("prices.csv", format!("{head}p0,a,2000000,2000000\n"));
    with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200);
    assert_eq!(cost().as_deref(), Some("0.004"));
}

#[test]
fn what_counts_at_the_next_start_only_is_said() {
    let provider = good();
    let with = |vars: &str| profile(&[&provider.openai()], &route("m", "p0/a"), vars);
    let (ultra, server) = serving(&with(""));
    ultra.write("profiles/dev.yaml", with("ULTRA_BODY_LIMIT: 1MiB, ULTRA_RATE_LIMIT: \"77\""));
    let taken = with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200).json();
    assert_eq!(taken["needs_restart"], serde_json::json!(["ULTRA_BODY_LIMIT"]), "{taken}");
    let me = with_key(&ultra, "GET", "/api/auth/me").send(server.addr()).is(200).json();
    assert_eq!(me["requests_per_minute"], 77);
    let explained = ultra.run(&["env", "explain", "OPENAI_BASE_URL", "-o", "json"]).exits(0).json();
    assert_eq!(explained["servers"][0]["takes"], "live", "{explained}");
    let ended = server.stop();
    assert!(ended.stderr.contains("needs a restart"), "{}", ended.stderr);
}

#[test]
fn a_request_ends_on_the_route_it_began_with() {
    let go = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&go);
    let provider = Upstream::start(move |_, stream| {
        eventually(Duration::from_secs(60), "the word to go on", || {
            told.load(Ordering::Relaxed).then_some(())
        });
        let _ = stream.write_all(&upstream::json("200 OK", ANSWER));
    });
    let other = good();
    let places = [&*provider.openai(), &*other.openai()];
    let (ultra, server) = serving(&profile(&places, &route("m", "p0/a"), ""));
    let request = chat(&ultra, CHAT, &hello("m"));
    let addr = server.addr().to_owned();
    let asked = std::thread::spawn(move || request.send(&addr));
    eventually(PATIENCE, "the request at the provider", || {
        (!provider.received().is_empty()).then_some(())
    });
    // The provider is taken out of the profile while it answers.
    let gone = profile(&places[1..], &route("m", "p0/b"), "").replace("P0_KEY", "P1_KEY");
    ultra.write("profiles/dev.yaml", gone);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    with_key(&ultra, "POST", RELOAD).send(server.addr()).is(200);
    assert_eq!(who(&ultra, &server, "m").as_deref(), Some("p0"));
    assert_eq!(other.received().len(), 1);
    go.store(true, Ordering::Relaxed);
    let answer = asked.join().unwrap().is(200);
    assert_eq!(answer.text(), ANSWER);
    assert_eq!(provider.received().len(), 1);
}
