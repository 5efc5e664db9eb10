//! Telling that the server listens: the line for people and programs, and a record beside the
//! state.

use super::auth::DevKey;
use super::state::App;
use crate::gateway::registry;
use crate::report::{Block, Fault, Report};
use crate::settings::servers::{self, ServerRecord};
use std::net::SocketAddr;
use std::sync::Arc;

/// Leaves a record of this server in the state directory, for as long as it runs.
pub(super) fn register(app: &App, addr: SocketAddr) -> Option<servers::Registration> {
    let record = ServerRecord {
        pid: std::process::id(),
        profile: app.profile.clone(),
        mode: app.mode.word().to_owned(),
        addr: addr.to_string(),
        started_at: app.started_at,
        instance: Some(app.instance.clone()),
    };
    match servers::register(app.reloader.state_dir(), &record) {
        Ok(registration) => Some(registration),
        Err(error) => {
            tracing::warn!(error = %error.kind(), "no record of this server was written");
            None
        }
    }
}

/// The line that says that the server listens.
pub(super) fn announcement(
    app: &App,
    addr: SocketAddr,
    key: Option<&DevKey>,
) -> Result<Report, Fault> {
    let data = serde_json::json!({
        "addr": addr.to_string(),
        "mode": app.mode,
        "pid": std::process::id(),
        "profile": app.profile,
    });
    let mut view = vec![Block::text(format!(
        "serving profile `{}` (mode {}) on http://{addr}",
        app.profile,
        app.mode.word()
    ))];
    if let Some(key) = key {
        view.push(Block::Verbatim(curl(app, addr, key)));
    }
    Report::new("ultra.serve/1", data, view)
}

/// A command line that works when pasted: it reads the key from its file.
fn curl(app: &App, addr: SocketAddr, key: &DevKey) -> String {
    let host = servers::reachable(addr);
    let path = std::path::absolute(&key.path).unwrap_or_else(|_| key.path.clone());
    let path = path.display().to_string().replace('\'', r"'\''");
    let auth = format!("-H \"Authorization: Bearer $(cat '{path}')\"");
    let (table, prices) = (app.gateway.table(), app.reloader.prices());
    let model = table
        .find(crate::provider::mock::MODEL)
        .or_else(|| {
            let chat = crate::provider::Endpoint::ChatCompletions;
            let usable = |r: &&Arc<crate::gateway::Route>| {
                r.unavailable().is_none() && registry::endpoints(r, &prices).contains(&chat)
            };
            table.routes().find(usable).cloned()
        })
        .map(|route| serde_json::Value::from(&*route.model).to_string().replace('\'', r"'\''"));
    match model {
        Some(model) => format!(
            "curl -sS http://{host}/v1/chat/completions {auth} -H 'Content-Type: application/json' -d '{{\"model\":{model},\"messages\":[{{\"role\":\"user\",\"content\":\"hello\"}}]}}'\n"
        ),
        None => format!("curl -sS http://{host}/api/available-models {auth}\n"),
    }
}
