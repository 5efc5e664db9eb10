//! The cache.

use crate::settings::catalogue::{Consumer, Need, settings};
use crate::settings::secret::SecretRef;
use crate::settings::value::{Size, choice};

choice! {
    /// Which cache is used.
    CacheKind {
        /// Bounded memory of the process.
        Memory = "memory",
        /// A Redis server.
        Redis = "redis",
    }
}

settings! {
    /// The cache.
    pub(crate) struct CacheSettings in "cache" {
        /// Which cache is used.
        kind: CacheKind = "ULTRA_CACHE" { default: Some("memory"), example: Some("redis") },
        /// The Redis server, with credentials if it wants any.
        redis_url: Option<SecretRef> = "REDIS_URL" { need: Need::When { var: "ULTRA_CACHE", is: "redis" }, example: Some("redis://cache.example.com:6379/0"), vault: Some("redis"), consumer: Consumer::Server },
        /// What the memory cache may hold.
        max_bytes: Size = "ULTRA_CACHE_MAX_BYTES" { default: Some("64MiB") },
    }
}
