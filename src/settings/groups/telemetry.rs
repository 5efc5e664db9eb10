//! Logs.

use crate::settings::catalogue::{Alias, settings};
use crate::settings::value::choice;

choice! {
    /// How log lines are written.
    LogFormat {
        /// One JSON object a line.
        Json = "json",
        /// Text for people.
        Text = "text",
    }
}

/// The levels of other programs in terms of `RUST_LOG`, which would take `WARNING` for the name of a
/// module.
fn level(value: &str) -> Option<String> {
    Some(match value.to_ascii_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        level @ ("trace" | "debug" | "info" | "warn" | "error" | "off") => level.to_owned(),
        _ => value.to_owned(),
    })
}

settings! {
    /// What the server says about itself.
    pub(crate) struct TelemetrySettings in "telemetry" {
        /// What is logged, as tracing directives.
        filter: String = "RUST_LOG" { default: Some("info"), example: Some("info,ultra=debug"), aliases: &[Alias::converted("LOG_LEVEL", level), Alias::converted("ULTRA_LOG_LEVEL", level)] },
        /// How log lines are written: `text` on a terminal and `json` elsewhere if unset.
        format: Option<LogFormat> = "ULTRA_LOG_FORMAT" { example: Some("json") },
    }
}
