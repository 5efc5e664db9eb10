//! File descriptors: as many as the system allows, and how many of them connections may take.

use crate::settings::groups::ServerSettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything else: the store, the cache, the journal, the listeners, files.
const RESERVED: u64 = 64;

/// Raises the number of files that may be open to what the system allows at most, and says how
/// many connections there may be: as many as the settings say, if the descriptors suffice for them
/// and for the connections to providers.
pub(super) fn connections(settings: &ServerSettings) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let wanted = settings.max_connections.0;
    let possible = possible(allowed, settings.max_concurrency.0);
    if possible < wanted {
        tracing::warn!(
            possible,
            wanted,
            "fewer connections than `ULTRA_MAX_CONNECTIONS` says: raise the limit of open files"
        );
    }
    u32::try_from(possible.min(wanted)).unwrap_or(u32::MAX)
}

/// How many connections `allowed` descriptors (`None`: no limit) suffice for, if `requests` of
/// them have a connection to a provider at the same time.
fn possible(allowed: Option<u64>, requests: u64) -> u64 {
    let Some(allowed) = allowed else { return u64::MAX };
    let room = allowed.saturating_sub(RESERVED).max(2);
    room - requests.min(room / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_left_for_providers_and_for_everything_else() {
        assert_eq!(possible(None, 2048), u64::MAX);
        assert_eq!(possible(Some(1 << 20), 2048), (1 << 20) - 64 - 2048);
        assert_eq!(possible(Some(1024), 2048), 480);
        assert_eq!(possible(Some(1024), 10), 950);
        assert_eq!(possible(Some(0), 2048), 1, "one at a time is better than none");
    }
}
