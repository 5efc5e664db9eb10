//! Taking the address and port, before anything is opened or written.

use super::holder;
use crate::report::{Fault, Problem};
use crate::settings::groups::ServerSettings;
use crate::settings::profile::Mode;
use crate::settings::value::Port;
use crate::settings::{Layer, Resolution};
use std::io::ErrorKind;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Refuses to serve mocks to others, unless somebody has said so for this very start.
///
/// # Errors
/// Exit 6.
pub(crate) fn may_be_seen(server: &ServerSettings, resolution: &Resolution) -> Result<(), Fault> {
    if server.mode != Mode::Mock || server.addr.is_loopback() {
        return Ok(());
    }
    let explicit = resolution
        .text("ULTRA_MODE")
        .is_some_and(|(_, origin)| matches!(origin.layer, Layer::Process | Layer::Flag));
    if explicit {
        return Ok(());
    }
    Err(Fault::refused(
        Problem::error(
            "mock-beyond-loopback",
            format!("mode mock would be served to others on `{}`", server.addr),
        )
        .why("clients would take made-up answers for real ones")
        .hint("ultra serve --mock (or `--real`, or `--addr 127.0.0.1`)"),
    ))
}

/// Listens.
///
/// # Errors
/// Exit 5: the port is taken, says by whom if it can be seen; or the address is not ours.
pub(crate) async fn bind(server: &ServerSettings) -> Result<(TcpListener, SocketAddr), Fault> {
    let port = match server.port {
        Port::Auto => 0,
        Port::Fixed(port) => port,
    };
    let wanted = SocketAddr::new(server.addr, port);
    let bound = TcpListener::bind(wanted).await.and_then(|l| l.local_addr().map(|a| (l, a)));
    bound.map_err(|e| {
        Fault::unreachable(match e.kind() {
            ErrorKind::AddrInUse => {
                let problem = Problem::error("port-taken", format!("`{wanted}` is taken"));
                let by = holder::of(port).map_or_else(
                    || "another process listens there".to_owned(),
                    |holder| format!("{holder} listens there"),
                );
                problem.why(by).hint("`ultra serve --port auto`, or `ULTRA_PORT=8086 make run`")
            }
            ErrorKind::PermissionDenied => {
                Problem::error("port-denied", format!("may not listen on `{wanted}`"))
                    .why("ports below 1024 are for privileged processes")
                    .hint("ultra serve --port 8085")
            }
            _ => Problem::error("cannot-listen", format!("cannot listen on `{wanted}`"))
                .why(e)
                .hint("ultra serve --addr 127.0.0.1"),
        })
    })
}
