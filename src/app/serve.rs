//! `serve`: flags become variables of the highest layer.

use super::Context;
use crate::cli::serve::ServeArgs;
use crate::commands::serve::{self, Request};
use crate::report::{Fault, Report};
use crate::secrets::Followed;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `ultra serve`.
pub(super) fn serve(args: ServeArgs, context: &Context) -> Result<Report, Fault> {
    // Before there is any secret in memory.
    super::keep_memory_private()?;
    let mut variables = BTreeMap::new();
    if args.mock {
        variables.insert("ULTRA_MODE", "mock".to_owned());
    }
    if args.real {
        variables.insert("ULTRA_MODE", "real".to_owned());
    }
    if let Some(addr) = args.addr {
        variables.insert("ULTRA_ADDR", addr);
    }
    if let Some(port) = args.port {
        variables.insert("ULTRA_PORT", port);
    }
    if args.probe {
        variables.insert("ULTRA_ADDR", "127.0.0.1".to_owned());
        variables.insert("ULTRA_PORT", "auto".to_owned());
    }
    let workspace = context.workspace(variables)?;
    let vault = context.secrets(&workspace);
    let vault = Arc::new(Followed::new(vault));
    let request = Request { vault, workspace, probe: args.probe };
    serve::run(request, &context.console)
}
