//! Which names there are, where they work, and what becomes of misspelt ones.

use super::{BOTH, Family, Mock, conversation};
use crate::support::{CANARY, Server, Ultra};
use serde_json::Value;

fn listed(mock: &Mock) -> Vec<String> {
    let models = mock.get("/v1/models");
    let ids = models["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap());
    ids.filter(|id| id.starts_with("mock-")).map(str::to_owned).collect()
}

#[test]
fn every_listed_model_is_in_the_guide_and_says_what_it_does() {
    let mock = Mock::start();
    let listed = listed(&mock);
    assert!(listed.len() > 30, "{listed:?}");
    let guide = include_str!("../../../docs/mock.md");
    let available = mock.get("/api/available-models");
    for name in &listed {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
        let all = available["models"].as_array().unwrap();
        let model = all.iter().find(|m| m["name"] == **name).unwrap();
        assert!(model["endpoints"].as_array().unwrap().len() >= 2, "{model}");
        assert!(model["note"].as_str().unwrap().starts_with("`mock-"), "{model}");
    }
}

#[test]
fn a_misspelt_name_is_not_found_with_the_nearest_one() {
    let mock = Mock::start();
    for (name, near) in [
        ("mock-malformed-evnt", "mock-malformed-event"),
        ("mock-latency-250", "mock-latency-250ms"),
        ("mock-503-3-of-2", "mock-503-3-of-6"),
    ] {
        for family in BOTH {
            let error = mock.ask(family, name, false).is(404).json();
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains(&format!("did you mean `{near}`")), "{message}");
        }
    }
}

#[test]
fn real_mode_has_none_of_them() {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        .env("ANTHROPIC_API_KEY", CANARY)
        .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:9");
    let mock = Mock { server: Server::start(&ultra, &["--real"]), ultra };
    assert_eq!(listed(&mock), Vec::<String>::new());
    for model in ["mock-chat", "mock-503", "mock-reset", "mock-latency-1ms", "mock/mock-503"] {
        for family in BOTH {
            mock.ask(family, model, false).is(404);
        }
    }
    assert_eq!(mock.ledger(), Value::Null);
    mock.server.stop().keeps_the_canary();
}

#[test]
fn a_route_of_a_profile_may_lead_to_one_in_mode_mock() {
    let ultra = Ultra::empty();
    ultra.write(
        "profiles/dev.yaml",
        "mode: mock\nroutes:\n  ours:\n    targets:\n      - {provider: mock, model: mock-503}\n  plain:\n    targets:\n      - {provider: openai, model: mock-503}\n",
    );
    let mock = Mock { server: Server::start(&ultra, &[]), ultra };
    for family in BOTH {
        let row = mock.row(&mock.ask(family, "ours", false).is(503));
        assert_eq!(row.model, "mock-503");
    }
    // What a provider's model is called does not matter.
    mock.ask(Family::OpenAi, "plain", false).is(200);
    mock.ask(Family::OpenAi, "openai/mock-503", false).is(200);
    mock.ask(Family::OpenAi, "gpt-4o", false).is(200);
    assert_eq!(mock.ledger()["models"]["mock-503"]["requests"], 4);
    drop(mock.server);
    mock.ultra.run(&["env", "validate"]).exits(0);
    mock.ultra.run(&["serve", "--real", "--port", "auto"]).exits(3).complains("`mock`");
    let body = conversation("ours", false);
    assert_eq!(body["model"], "ours");
}
