//! The line of a request. There is one for every request, so where lines are JSON it is written
//! straight into them; what it says and how is the same as of any other event.

use super::lines::Lines;
use crate::base::json;
use std::cell::RefCell;
use std::net::IpAddr;

/// What the line says: never a body, a header, a query or a secret.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The request's method.
    pub(crate) method: &'a str,
    /// The path, without the query.
    pub(crate) path: &'a str,
    /// The status of the answer.
    pub(crate) status: u16,
    /// From the head of the request to the last byte of the answer, microseconds.
    pub(crate) us: u64,
    /// Bytes of the answer's body.
    pub(crate) bytes: u64,
    /// Whether the answer left to its end.
    pub(crate) complete: bool,
    /// The request's id.
    pub(crate) request_id: &'a str,
    /// The caller's id.
    pub(crate) key: &'a str,
    /// What came of the cache of answers, if it had to do with the request.
    pub(crate) cache: Option<&'static str>,
    /// Where it comes from.
    pub(crate) peer: IpAddr,
}

/// Writes the lines of requests.
#[derive(Debug)]
pub(crate) struct AccessLog {
    /// Where JSON goes; `None` if lines are for people.
    json: Option<Lines>,
}

impl AccessLog {
    pub(super) fn new(json: Option<Lines>) -> Self {
        Self { json }
    }

    /// Writes a line, if the filter lets it through.
    pub(crate) fn write(&self, entry: &Entry<'_>) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let Some(lines) = &self.json else { return event(entry) };
        if tracing::enabled!(target: "ultra::access", tracing::Level::INFO) {
            LINE.with_borrow_mut(|line| {
                line.clear();
                write(line, entry);
                lines.push(line);
            });
        }
    }
}

fn event(entry: &Entry<'_>) {
    tracing::info!(
        target: "ultra::access",
        method = entry.method,
        path = entry.path,
        status = entry.status,
        us = entry.us,
        bytes = entry.bytes,
        complete = entry.complete,
        request_id = entry.request_id,
        key = entry.key,
        cache = entry.cache,
        peer = %entry.peer,
        "request"
    );
}

fn write(line: &mut Vec<u8>, entry: &Entry<'_>) {
    line.extend_from_slice(b"{\"timestamp\":\"");
    json::micros(line, jiff::Timestamp::now());
    line.extend_from_slice(
        br#"","level":"INFO","target":"ultra::access","message":"request","method":"#,
    );
    json::text(line, entry.method);
    line.extend_from_slice(br#","path":"#);
    json::text(line, entry.path);
    line.extend_from_slice(br#","status":"#);
    json::number(line, u64::from(entry.status));
    line.extend_from_slice(br#","us":"#);
    json::number(line, entry.us);
    line.extend_from_slice(br#","bytes":"#);
    json::number(line, entry.bytes);
    let complete: &[u8] =
        if entry.complete { br#","complete":true"# } else { br#","complete":false"# };
    line.extend_from_slice(complete);
    line.extend_from_slice(br#","request_id":"#);
    json::text(line, entry.request_id);
    line.extend_from_slice(br#","key":"#);
    json::text(line, entry.key);
    if let Some(cache) = entry.cache {
        line.extend_from_slice(br#","cache":"#);
        json::text(line, cache);
    }
    line.extend_from_slice(br#","peer":""#);
    match entry.peer {
        IpAddr::V4(address) => {
            for (n, part) in address.octets().into_iter().enumerate() {
                if n > 0 {
                    line.push(b'.');
                }
                json::number(line, u64::from(part));
            }
        }
        IpAddr::V6(address) => line.extend_from_slice(address.to_string().as_bytes()),
    }
    line.extend_from_slice(b"\"}\n");
}

#[cfg(test)]
mod tests {
    use super::super::json::tests::logged;
    use super::*;

    #[test]
    fn a_line_written_straight_says_what_the_event_says() {
        for (peer, cache) in [("192.0.2.17", None), ("2001:db8::1", Some("hit"))] {
            let entry = Entry {
                method: "POST",
                path: "/v1/\"chat\"\n",
                status: 200,
                us: 1_234,
                bytes: 0,
                complete: true,
                request_id: "req-1",
                key: "-",
                cache,
                peer: peer.parse().unwrap(),
            };
            let mut line = Vec::new();
            write(&mut line, &entry);
            let line = String::from_utf8(line).unwrap();
            let event = logged(|| event(&entry));
            // Only the time differs, not its form.
            let (event, line) = (event.split_at(42), line.split_at(42));
            assert_eq!((event.1, event.0.len()), (line.1, line.0.len()));
            assert!(line.1.starts_with(",\"level\"") && line.1.ends_with('\n'), "{}", line.1);
        }
    }
}
