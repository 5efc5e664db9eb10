//! Redis, with the memory of the process behind it. Requests never wait for a Redis that is away:
//! the first operation that fails turns to memory, and a task of its own finds out when Redis is
//! back.

use super::{Cache, CacheOptions, CacheStatus, MemoryCache, Unsuitable};
use crate::base::{Timestamp, redact};
use crate::settings::groups::CacheKind;
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, Cmd, FromRedisValue, RedisError};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// What any operation waits at most.
const DEADLINE: Duration = Duration::from_millis(50);

/// What connecting may take; nobody but the task that looks for Redis waits for it.
const CONNECT: Duration = Duration::from_secs(1);

/// How often Redis is looked for while it is away, and looked after while it is there.
const PROBE: Duration = Duration::from_millis(500);

/// How many deletions are remembered while Redis is away. With more, its whole namespace is left
/// behind.
const MAX_DELETIONS: usize = 10_000;

/// What is known of the server.
#[derive(Debug)]
struct State {
    up: bool,
    since: Timestamp,
    last_error: Option<String>,
    /// Keys that were deleted while Redis was away, and must go before it is read again.
    deleted: HashSet<String>,
    /// Part of every key: raised when more was deleted than could be remembered.
    epoch: u64,
}

/// A cache in Redis.
pub(crate) struct RedisCache {
    at: String,
    namespace: String,
    connection: ConnectionManager,
    fallback: MemoryCache,
    state: Mutex<State>,
}

impl std::fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisCache").field("at", &self.at).finish_non_exhaustive()
    }
}

impl RedisCache {
    /// A cache in the Redis of `options`; memory answers until it is there.
    pub(super) fn open(options: &CacheOptions) -> Result<Arc<Self>, Unsuitable> {
        let unsuitable =
            |at: &str, why: &str| Unsuitable { at: at.to_owned(), why: why.to_owned() };
        let Some(url) = options.redis_url.as_ref().filter(|url| !url.is_empty()) else {
            return Err(unsuitable("REDIS_URL", "it is not set"));
        };
        let at = redact::url(url.expose());
        // The library's message may quote the URL.
        let client = Client::open(url.expose()).map_err(|_| {
            unsuitable(&at, "the URL is malformed, or its scheme is not `redis` or `rediss`")
        })?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(DEADLINE))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|_| unsuitable(&at, "the URL cannot be used"))?;
        let cache = Arc::new(Self {
            at,
            namespace: options.namespace.clone(),
            connection,
            fallback: MemoryCache::new(options.max_bytes),
            state: Mutex::new(State {
                up: false,
                since: Timestamp::now(),
                last_error: Some("not connected yet".to_owned()),
                deleted: HashSet::new(),
                epoch: 0,
            }),
        });
        tokio::spawn(look_after(Arc::downgrade(&cache)));
        Ok(cache)
    }

    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing that runs under the lock panics half-way through a change.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key in Redis, or `None` while Redis is away.
    fn name(&self, key: &str) -> Option<String> {
        let (up, epoch) = self.state(|state| (state.up, state.epoch));
        up.then(|| format!("{}:{epoch}:{key}", self.namespace))
    }

    /// Asks Redis within the deadline; a failure turns to memory until Redis is found again.
    async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Option<T> {
        match self.query(command, DEADLINE).await {
            Ok(answer) => Some(answer),
            Err(why) => {
                self.down(why);
                None
            }
        }
    }

    async fn query<T: FromRedisValue>(
        &self,
        command: Cmd,
        patience: Duration,
    ) -> Result<T, String> {
        let mut connection = self.connection.clone();
        match tokio::time::timeout(patience, command.query_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(e)) => Err(cause(&e)),
            Err(_) => Err(format!("no answer within {}ms", patience.as_millis())),
        }
    }

    fn down(&self, why: String) {
        self.state(|state| {
            if state.up {
                tracing::warn!(cache = %self.at, why, "Redis is away, memory answers");
                state.up = false;
                state.since = Timestamp::now();
            }
            state.last_error = Some(why);
        });
    }

    /// Looks whether Redis answers, and if so brings it up to date and uses it again.
    async fn probe(&self) {
        if let Err(why) = self.query::<()>(::redis::cmd("PING"), CONNECT).await {
            return self.down(why);
        }
        loop {
            let (keys, epoch) = self.state(|state| (state.deleted.clone(), state.epoch));
            for key in &keys {
                let mut command = ::redis::cmd("UNLINK");
                command.arg(format!("{}:{epoch}:{key}", self.namespace));
                if let Err(why) = self.query::<()>(command, CONNECT).await {
                    return self.down(why);
                }
            }
            // More may have been deleted in the meantime: only when nothing is left is Redis read.
            let done = self.state(|state| {
                state.deleted.retain(|key| !keys.contains(key));
                let done = state.deleted.is_empty() && state.epoch == epoch;
                if done && !state.up {
                    tracing::info!(cache = %self.at, "Redis answers");
                    state.up = true;
                    state.since = Timestamp::now();
                    state.last_error = None;
                }
                done
            });
            if done {
                return;
            }
        }
    }

    fn remember_deletion(&self, key: &str) {
        self.state(|state| {
            state.deleted.insert(key.to_owned());
            if state.deleted.len() > MAX_DELETIONS {
                state.deleted.clear();
                state.epoch += 1;
            }
        });
    }
}

/// What went wrong, in words of ours: the library's texts can quote what was sent.
pub(super) fn cause(error: &RedisError) -> String {
    use ::redis::ErrorKind;
    match error.kind() {
        ErrorKind::AuthenticationFailed => "it does not accept the credentials".to_owned(),
        _ if error.is_connection_refusal() => "connection refused".to_owned(),
        _ if error.is_timeout() => "no answer in time".to_owned(),
        _ if error.is_connection_dropped() => "the connection broke".to_owned(),
        _ => match error.code() {
            Some(code) => format!("it answered {code}"),
            None => error.category().to_owned(),
        },
    }
}

/// Looks after a cache until it is dropped.
async fn look_after(cache: Weak<RedisCache>) {
    loop {
        {
            let Some(cache) = cache.upgrade() else { return };
            cache.probe().await;
        }
        tokio::time::sleep(PROBE).await;
    }
}

#[async_trait::async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str, most: usize) -> Option<Bytes> {
        let Some(name) = self.name(key) else { return self.fallback.get(key, most).await };
        let mut command = ::redis::cmd("GETRANGE");
        // Both ends belong to it: one byte more tells that there is more. What is missing is empty.
        command.arg(name).arg(0).arg(most);
        match self.ask::<Vec<u8>>(command).await {
            Some(value) => (1..=most).contains(&value.len()).then(|| Bytes::from(value)),
            None => self.fallback.get(key, most).await,
        }
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Duration) {
        if ttl.is_zero() {
            return self.delete(key).await;
        }
        let Some(name) = self.name(key) else {
            // What Redis still has under this key is older than what is kept here.
            self.remember_deletion(key);
            return self.fallback.set(key, value, ttl).await;
        };
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = ::redis::cmd("SET");
        command.arg(name).arg(value.as_ref()).arg("PX").arg(millis);
        if self.ask::<()>(command).await.is_none() {
            self.remember_deletion(key);
            self.fallback.set(key, value, ttl).await;
        } else {
            self.fallback.delete(key).await;
        }
    }

    async fn delete(&self, key: &str) {
        self.fallback.delete(key).await;
        let told = match self.name(key) {
            None => false,
            Some(name) => {
                let mut command = ::redis::cmd("UNLINK");
                command.arg(name);
                self.ask::<()>(command).await.is_some()
            }
        };
        if !told {
            self.remember_deletion(key);
        }
    }

    fn status(&self) -> CacheStatus {
        self.state(|state| CacheStatus {
            kind: CacheKind::Redis,
            at: self.at.clone(),
            using_fallback: !state.up,
            since: state.since,
            last_error: state.last_error.clone(),
        })
    }
}
