//! Clients of one family at providers of the other.

mod clients;
mod providers;
mod routes;

use super::upstream::Upstream;
use crate::support::{CANARY, Server, Ultra};

/// A server with a provider of each family. Their models are addressed as `openai/NAME` and
/// `anthropic/NAME`; a few names alone are at `first`, and then at the other, which answers plainly.
fn serving(openai: &Upstream, anthropic: &Upstream, first: &str, route: &str) -> (Ultra, Server) {
    let ultra = Ultra::empty().env("OPENAI_API_KEY", CANARY).env("ANTHROPIC_API_KEY", CANARY);
    let second = if first == "openai" { "anthropic" } else { "openai" };
    let mut profile = format!(
        "mode: real\n\
         secrets:\n  OPENAI_API_KEY: env:OPENAI_API_KEY\n  ANTHROPIC_API_KEY: env:ANTHROPIC_API_KEY\n\
         providers:\n  \
         openai: {{kind: openai, base_url: \"{}\", keys: [OPENAI_API_KEY]}}\n  \
         anthropic: {{kind: anthropic, base_url: \"{}\", keys: [ANTHROPIC_API_KEY]}}\n\
         routes:\n",
        openai.openai(),
        anthropic.anthropic(),
    );
    for model in ["plain", "cut", "limited", "begins-with-error", "too-long", "overloaded"] {
        profile += &format!(
            "  {model}:\n{route}    targets:\n      - {{provider: {first}, model: {model}}}\n      \
             - {{provider: {second}, model: plain}}\n"
        );
    }
    ultra.write("profiles/dev.yaml", profile);
    ultra.run(&["env", "trust", "--yes"]).exits(0);
    let server = Server::start(&ultra, &["--real"]);
    (ultra, server)
}
