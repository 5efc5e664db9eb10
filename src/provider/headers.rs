//! Which headers travel: everything that is not about one hop, one client or one account.

use crate::base::json;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that names the instances a request has come through, separated by commas.
pub(crate) const HOP: HeaderName = HeaderName::from_static("x-ultra-hop");

/// Headers of a client's request that a provider gets: what is about the connection, the client's
/// own credentials and addresses, and what the gateway itself says, stays here. The instances that
/// the request has come through travel with it, or a loop through two of them would never be seen.
pub(crate) fn to_provider(from: &HeaderMap, out: &mut HeaderMap) {
    let nominated = nominated(from);
    for (name, value) in from {
        let stays = of_the_hop(name.as_str())
            || (of_the_client(name.as_str()) && *name != HOP)
            || nominated.contains(name);
        if !stays {
            out.append(name.clone(), value.clone());
        }
    }
}

/// The longest value of a field that a client gets of a provider, in bytes.
const LONGEST: usize = 8 << 10;

/// The most that all fields have which a client gets of a provider, in bytes. Common clients take a
/// head of 16 KiB, and ours come on top.
const LONGEST_ALL: usize = 12 << 10;

/// The most fields that a client gets of a provider. Common clients take 100.
const MOST: usize = 64;

/// Headers of a provider's answer that the client gets: what is about the connection, the
/// provider's own site, or our account there, stays here, and so does what is more than clients can
/// read.
pub(crate) fn to_client(from: &HeaderMap, out: &mut HeaderMap) {
    let nominated = nominated(from);
    let (mut fields, mut size) = (0, 0);
    for (name, value) in from {
        let stays =
            of_the_hop(name.as_str()) || of_the_account(name.as_str()) || nominated.contains(name);
        if stays || value.len() > LONGEST {
            continue;
        }
        let own = name.as_str().len() + value.len() + FRAMING;
        // Without its type the body would lose its meaning.
        if *name != CONTENT_TYPE {
            if fields >= MOST || size + own > LONGEST_ALL {
                continue;
            }
            (fields, size) = (fields + 1, size + own);
        }
        out.append(name.clone(), value.clone());
    }
}

/// What stands around a field: a colon, a blank, the end of the line.
const FRAMING: usize = 4;

/// Takes every field out whose value quotes `secret`.
pub(crate) fn without(secret: &str, headers: &mut HeaderMap) {
    if secret.is_empty() {
        return;
    }
    let finder = memchr::memmem::Finder::new(secret);
    let quotes = |value: &HeaderValue| finder.find(value.as_bytes()).is_some();
    if !headers.values().any(quotes) {
        return;
    }
    let kept = headers.iter().filter(|(_, value)| !quotes(value));
    *headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
}

/// A number and its unit, one letter or none, as the value of a header, without a formatter.
pub(crate) fn number(n: u64, unit: &'static str) -> HeaderValue {
    let mut text = [0; json::LONGEST_NUMBER + 1];
    let mut room = [0; json::LONGEST_NUMBER];
    let digits = json::digits(n, &mut room);
    let bytes = digits.iter().chain(unit.as_bytes());
    let length = text.iter_mut().zip(bytes).map(|(place, byte)| *place = *byte).count();
    let text = text.get(..length).unwrap_or_default();
    // Digits and letters are always a value.
    HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("0"))
}

/// What `Connection` declares to be about this hop (RFC 9110 §7.6.1). A content type cannot be:
/// without it the body would lose its meaning.
fn nominated(from: &HeaderMap) -> Vec<HeaderName> {
    from.get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "close" | "keep-alive" | "Keep-Alive"))
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .filter(|name| *name != CONTENT_TYPE && *name != HOP)
        .collect()
}

/// RFC 9110 §7.6.1, and what the HTTP library sets by itself.
fn of_the_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "content-length"
            | "host"
            | "expect"
            | "date"
    )
}

fn of_the_client(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "x-api-key"
            | "api-key"
            | "x-goog-api-key"
            | "cookie"
            // An encoded answer could not be read for its usage.
            | "accept-encoding"
            | "origin"
            | "referer"
            | "forwarded"
            | "via"
            | "x-request-id"
            // They name accounts of the client's, and the key is ours.
            | "openai-organization"
            | "openai-project"
    ) || name.starts_with("x-ultra-")
        || name.starts_with("sec-")
        || of_a_proxy(name)
}

/// What load balancers, networks of caches and sign-in pages before the gateway say of a client: its
/// addresses, where it is, and who it is.
fn of_a_proxy(name: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|start| name.starts_with(start));
    match name.as_bytes() {
        [b'x', b'-', ..] => {
            matches!(
                name,
                "x-client-ip"
                    | "x-cluster-client-ip"
                    | "x-original-forwarded-for"
                    | "x-originating-ip"
                    | "x-real-ip"
                    | "x-remote-addr"
                    | "x-remote-ip"
                    | "x-nf-client-connection-ip"
                    | "x-azure-clientip"
                    | "x-azure-socketip"
                    | "x-ms-client-principal"
            ) || begins(&[
                "x-forwarded",
                "x-envoy-",
                "x-appengine-",
                "x-vercel-",
                "x-amzn-oidc-",
                "x-auth-request-",
                "x-goog-authenticated-user-",
                "x-goog-iap-",
                "x-ms-client-principal-",
                "x-ms-token-",
            ])
        }
        // Those of Cloudflare's own gateway say how it is to ask the provider behind it.
        [b'c', b'f', b'-', ..] => !name.starts_with("cf-aig-"),
        _ => {
            matches!(
                name,
                "client-ip"
                    | "do-connecting-ip"
                    | "fastly-client-ip"
                    | "fly-client-ip"
                    | "forwarded-for"
                    | "incap-client-ip"
                    | "remote-addr"
                    | "true-client-ip"
            ) || begins(&["akamai-", "cloudfront-"])
        }
    }
}

fn of_the_account(name: &str) -> bool {
    matches!(
        name,
        "server"
            | "set-cookie"
            | "strict-transport-security"
            | "alt-svc"
            | "via"
            | "x-request-id"
            | "request-id"
            | "openai-organization"
            | "openai-project"
            | "anthropic-organization-id"
            | "cf-ray"
            | "cf-cache-status"
            | "content-security-policy"
            | "x-content-type-options"
            | "x-frame-options"
            | "referrer-policy"
            | "permissions-policy"
            | "cache-control"
            | "nel"
            | "report-to"
            | "location"
            | "www-authenticate"
    ) || name.starts_with("x-ratelimit-")
        || name.starts_with("anthropic-ratelimit-")
        || name.starts_with("access-control-")
        || name.starts_with("x-ultra-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(names: &[&'static str]) -> HeaderMap {
        names.iter().map(|n| (HeaderName::from_static(n), "v".parse().unwrap())).collect()
    }

    #[test]
    fn fields_that_quote_a_secret_go_and_all_others_stay() {
        let mut headers = map(&["x-kept", "x-echo"]);
        headers.append("x-kept", HeaderValue::from_static("w"));
        headers.insert("x-echo", HeaderValue::from_static("Bearer sk-1;"));
        without("", &mut headers);
        without("sk-2", &mut headers);
        assert_eq!(headers.len(), 3);
        without("sk-1", &mut headers);
        assert_eq!(headers.get_all("x-kept").iter().count(), 2);
        assert_eq!(headers.get("x-echo"), None);
    }

    #[test]
    fn numbers_are_values() {
        assert_eq!(number(0, ""), "0");
        assert_eq!(number(60, "s"), "60s");
        assert_eq!(number(u64::MAX, "s"), "18446744073709551615s");
    }

    #[test]
    fn credentials_of_the_client_stay_and_unknown_headers_travel() {
        let mut out = HeaderMap::new();
        let from = map(&[
            "authorization",
            "x-api-key",
            "cookie",
            "x-forwarded-for",
            "anthropic-beta",
            "x-unknown",
        ]);
        to_provider(&from, &mut out);
        assert_eq!(out, map(&["anthropic-beta", "x-unknown"]));
    }

    #[test]
    fn what_proxies_say_of_a_client_stays() {
        let mut out = HeaderMap::new();
        let from = map(&[
            "x-forwarded-for",
            "x-forwarded",
            "x-real-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-envoy-external-address",
            "x-appengine-user-ip",
            "cf-connecting-ip",
            "cf-connecting-ipv6",
            "cf-access-jwt-assertion",
            "cf-ipcountry",
            "true-client-ip",
            "fastly-client-ip",
            "cloudfront-viewer-address",
            "x-amzn-oidc-data",
            "cf-aig-cache-ttl",
            "x-stainless-os",
            "x-client-name",
            "x-goog-user-project",
        ]);
        to_provider(&from, &mut out);
        let kept = ["cf-aig-cache-ttl", "x-stainless-os", "x-client-name", "x-goog-user-project"];
        assert_eq!(out, map(&kept));
    }

    #[test]
    fn what_the_connection_nominates_stays_and_the_way_so_far_travels() {
        let mut from = map(&["x-private", "x-unknown", "content-type", "x-ultra-hop"]);
        for value in ["keep-alive, X-Private", "content-type, x-ultra-hop"] {
            from.append(CONNECTION, value.parse().unwrap());
        }
        let mut out = HeaderMap::new();
        to_provider(&from, &mut out);
        assert_eq!(out, map(&["x-unknown", "content-type", "x-ultra-hop"]));
        let mut out = HeaderMap::new();
        to_client(&from, &mut out);
        assert_eq!(out, map(&["x-unknown", "content-type"]));
    }

    #[test]
    fn a_client_gets_no_more_of_a_head_than_clients_can_read() {
        let fields = |count: usize, length: usize| {
            let mut from = HeaderMap::new();
            for n in 0..count {
                let name = HeaderName::try_from(format!("x-{n}")).unwrap();
                from.insert(name, "v".repeat(length).parse().unwrap());
            }
            from.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            let mut out = HeaderMap::new();
            to_client(&from, &mut out);
            assert!(out.contains_key(CONTENT_TYPE));
            (out.len() - 1, out.values().map(HeaderValue::len).sum::<usize>())
        };
        assert_eq!(fields(1, LONGEST).0, 1);
        assert_eq!(fields(1, LONGEST + 1).0, 0);
        assert_eq!(fields(500, 1).0, MOST);
        let (count, size) = fields(20, 1000);
        assert!(count == 12 && size < LONGEST_ALL, "{count} {size}");
    }

    #[test]
    fn limits_of_our_account_stay() {
        let mut out = HeaderMap::new();
        let from = map(&[
            "x-ratelimit-remaining-requests",
            "set-cookie",
            "access-control-allow-origin",
            "retry-after",
            "openai-processing-ms",
        ]);
        to_client(&from, &mut out);
        assert_eq!(out, map(&["retry-after", "openai-processing-ms"]));
    }
}
