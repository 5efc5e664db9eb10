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

settings! {
    /// What the server says about itself.
    pub(crate) struct TelemetrySettings in "telemetry" {
        /// What is logged, as tracing directives.
        filter: String = "RUST_LOG" { default: Some("info"), example: Some("info,ultra=debug"), aliases: &[Alias::same("LOG_LEVEL"), Alias::same("ULTRA_LOG_LEVEL")] },
        /// How log lines are written: `text` on a terminal and `json` elsewhere if unset.
        format: Option<LogFormat> = "ULTRA_LOG_FORMAT" { example: Some("json") },
    }
}
