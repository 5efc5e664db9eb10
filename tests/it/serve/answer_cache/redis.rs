//! Answers in Redis: shared by replicas, of no use to whoever has only Redis, and never waited for.

use super::{KEPT, ZERO, answer, ask, came_of, counting, numbered, serving, upstream};
use crate::serve::with_key;
use crate::support::services::Redis;
use crate::support::{CANARY, Server, Ultra, eventually};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// What Redis answers to a command: the texts of the answer.
fn tell(redis: &Redis, command: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for word in command {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    stream.write_all(&bytes).unwrap();
    let mut reader = BufReader::new(stream);
    let mut said = Vec::new();
    let mut left = 1;
    while left > 0 {
        left -= 1;
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "*" => left += rest.parse::<usize>().unwrap(),
            "$" if rest == "-1" => said.push(Vec::new()),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                reader.read_exact(&mut text).unwrap();
                text.truncate(text.len() - 2);
                said.push(text);
            }
            _ => said.push(rest.as_bytes().to_vec()),
        }
    }
    said
}

/// The names of the answers.
fn names(redis: &Redis) -> Vec<String> {
    let names = tell(redis, &[b"KEYS", b"ultra:dev:*:answer:*"]);
    names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect()
}

/// Waits until the server uses Redis.
fn connected(ultra: &Ultra, server: &Server) {
    eventually(PATIENCE, "Redis", || {
        let health = with_key(ultra, "GET", "/api/health?detail=true").send(server.addr()).json();
        (health["services"]["cache"]["status"] == "ok").then_some(())
    });
}

/// A server of a provider whose answers are in this Redis.
fn with_redis(redis: &Redis, provider: &upstream::Upstream) -> (Ultra, Server) {
    let (mut ultra, server) = serving(provider, KEPT);
    drop(server);
    ultra.set_env("ULTRA_CACHE", "redis");
    ultra.set_env("REDIS_URL", redis.url());
    let server = Server::start(&ultra, &["--real"]);
    connected(&ultra, &server);
    (ultra, server)
}

#[test]
fn replicas_share_answers() {
    let Some(redis) = Redis::start() else { return };
    let provider = counting();
    let (ultra, one) = with_redis(&redis, &provider);
    let two = Server::start(&ultra, &["--real"]);
    connected(&ultra, &two);
    assert_eq!(came_of(&ask(&ultra, &one, ZERO, "")), Some("miss"));
    eventually(PATIENCE, "the answer in Redis", || (names(&redis).len() == 1).then_some(()));
    let hit = ask(&ultra, &two, ZERO, "");
    assert_eq!((came_of(&hit), hit.text()), (Some("hit"), answer("answer 0")));
    assert_eq!(hit.header("x-ultra-model"), Some("m0"));
    // A server that is started anew finds it as well.
    drop((one, two));
    let three = Server::start(&ultra, &["--real"]);
    connected(&ultra, &three);
    assert_eq!(came_of(&ask(&ultra, &three, ZERO, "")), Some("hit"));
    assert_eq!(provider.received().len(), 1);
}

#[test]
fn redis_alone_tells_nothing_and_what_others_put_there_is_never_answered() {
    let Some(redis) = Redis::start() else { return };
    let provider = numbered(|n| upstream::json("200 OK", &answer(&format!("{CANARY} {n}"))));
    let (ultra, server) = with_redis(&redis, &provider);
    let other = ZERO.replace("hi", "something else");
    let known = |many| {
        eventually(PATIENCE, "the answers in Redis", || {
            Some(names(&redis)).filter(|names| names.len() == many)
        })
    };
    ask(&ultra, &server, ZERO, "");
    let mine = &known(1).remove(0);
    ask(&ultra, &server, &other, "");
    let all = known(2);
    let others = all.iter().find(|name| *name != mine).unwrap();
    let kept = |name: &str| tell(&redis, &[b"GET", name.as_bytes()]).remove(0);
    let (own, foreign) = (kept(mine), kept(others));
    for value in [&own, &foreign] {
        let text = String::from_utf8_lossy(value);
        assert!(!text.contains(CANARY) && !text.contains("choices"), "{text}");
    }
    let left = tell(&redis, &[b"PTTL", mine.as_bytes()]).remove(0);
    let left: i64 = String::from_utf8(left).unwrap().parse().unwrap();
    assert!((1..=600_000).contains(&left), "{left}");

    let mut flipped = own.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let hostile = [
        flipped,
        own[..own.len() / 2].to_vec(),
        foreign,
        answer("hostile").into_bytes(),
        vec![0; 3 << 20],
        b"ultra-seal/1\n".to_vec(),
    ];
    for (n, value) in hostile.iter().enumerate() {
        // On a busy machine Redis may count as away, and memory answers: then it is put there again.
        let answered = eventually(PATIENCE, "an answer in spite of it", || {
            tell(&redis, &[b"SET", mine.as_bytes(), value]);
            let answered = ask(&ultra, &server, ZERO, "");
            // Neither what was put there nor the answer to something else.
            assert_ne!(answered.text(), answer("hostile"), "{n}");
            assert_ne!(answered.text(), answer(&format!("{CANARY} 1")), "{n}");
            // A large one may take so long that Redis counts as away; then it is taken out.
            connected(&ultra, &server);
            (came_of(&answered) == Some("miss")).then_some(answered)
        });
        let last = provider.received().len() - 1;
        assert_eq!(answered.text(), answer(&format!("{CANARY} {last}")), "{n}");
        eventually(PATIENCE, "another in its place", || (kept(mine) != *value).then_some(()));
    }
    let hit = eventually(PATIENCE, "a hit", || {
        let answered = ask(&ultra, &server, ZERO, "");
        (came_of(&answered) == Some("hit")).then_some(answered)
    });
    assert!(hit.text().contains(CANARY));

    // Clearing, as documented.
    eventually(PATIENCE, "a miss", || {
        for name in names(&redis) {
            tell(&redis, &[b"UNLINK", name.as_bytes()]);
        }
        (came_of(&ask(&ultra, &server, ZERO, "")) == Some("miss")).then_some(())
    });
}

#[test]
fn a_frozen_redis_is_a_miss_and_memory_answers_then() {
    let Some(redis) = Redis::start() else { return };
    let provider = counting();
    let (ultra, server) = with_redis(&redis, &provider);
    ask(&ultra, &server, ZERO, "");
    assert_eq!(came_of(&ask(&ultra, &server, ZERO, "")), Some("hit"));
    redis.freeze();
    let began = Instant::now();
    // Another question: what Redis was too slow for before may be in memory.
    let other = ZERO.replace("hi", "something else");
    assert_eq!(came_of(&ask(&ultra, &server, &other, "")), Some("miss"));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    eventually(PATIENCE, "a hit in memory", || {
        (came_of(&ask(&ultra, &server, &other, "")) == Some("hit")).then_some(())
    });
    redis.thaw();
    connected(&ultra, &server);
    eventually(PATIENCE, "a hit in Redis", || {
        (came_of(&ask(&ultra, &server, ZERO, "")) == Some("hit")).then_some(())
    });
}
