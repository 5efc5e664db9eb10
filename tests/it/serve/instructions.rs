//! What a chat request costs, in instructions of user space: the same on every machine, so that it
//! can fail a run.
//!
//! The figure is that of an unoptimised build, which is what tests run; `docs/adr/0017` has where the
//! time of a release goes. It moves with the compiler and with whatever is done for a request. If it
//! is passed for a good reason, write the new one here.

use super::http::{Answer, Request};
use super::with_key;
use crate::support::fake::fields;
use crate::support::{Server, Ultra, have};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// What a request took when this was written, in thousands of instructions: with its identity,
/// limits, usage row, metrics and line in the log.
const RECORDED: f64 = 800.0;

/// How much more than recorded is let pass.
const MARGIN: f64 = 1.25;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"As fast as it gets."},"finish_reason":"stop"}],"usage":{"prompt_tokens":21,"completion_tokens":7,"total_tokens":28}}"#;

const ASKED: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You measure."},{"role":"user","content":"How fast is this?"}],"temperature":0}"#;

/// A provider that answers always the same and keeps its connections.
fn provider() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(&mut BufReader::new(stream)));
        }
    });
    addr
}

fn answer(stream: &mut BufReader<TcpStream>) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    let whole = format!("{head}\r\ncontent-length: {}\r\n\r\n{ANSWER}", ANSWER.len());
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|length| length > 0) {
        let length = fields(stream)
            .iter()
            .find(|(name, _)| name == "content-length")
            .map_or(0, |(_, value)| value.parse().unwrap());
        let read = stream.read_exact(&mut vec![0; length]);
        if read.and_then(|()| stream.get_mut().write_all(whole.as_bytes())).is_err() {
            return;
        }
        line.clear();
    }
}

/// What a server takes from its start to its end, `requests` in between on one connection, in
/// thousands.
fn taken(requests: u32) -> f64 {
    let ultra = Ultra::empty()
        .env("OPENAI_API_KEY", "sk-canary")
        .env("OPENAI_BASE_URL", format!("http://{}/v1", provider()))
        .env("ULTRA_RATE_LIMIT", "100000000")
        .env("ULTRA_LOG_FORMAT", "json");
    let tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let server = Server::under(&ultra, &tool, &["--real"]);
    let asked: Request = with_key(&ultra, "POST", "/v1/chat/completions").json(ASKED);
    let mut stream = BufReader::new(TcpStream::connect(server.addr()).unwrap());
    stream.get_mut().set_nodelay(true).unwrap();
    stream.get_mut().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for _ in 0..requests {
        stream.get_mut().write_all(&asked.bytes()).unwrap();
        assert_eq!(Answer::read(&mut stream, false).is(200).text(), ANSWER);
    }
    drop(stream);
    let ended = server.stop().exits(0);
    let count = ended.stderr.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
    count.trim().parse::<f64>().unwrap() / 1e3
}

#[test]
fn a_chat_request_takes_no_more_instructions_than_recorded() {
    if !have("valgrind") {
        return;
    }
    // Starts and ends cost as much in both; what is done from time to time is little beside this.
    const FEW: u32 = 100;
    const MANY: u32 = 400;
    let (few, many) = std::thread::scope(|scope| {
        let few = scope.spawn(|| taken(FEW));
        let many = taken(MANY);
        (few.join().unwrap(), many)
    });
    let each = (many - few) / f64::from(MANY - FEW);
    println!("{each:.0} thousand instructions a request, recorded {RECORDED:.0}");
    assert!(each <= RECORDED * MARGIN, "{each:.0} thousand, recorded {RECORDED:.0}");
}
