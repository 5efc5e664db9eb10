//! Ids and addresses of data, as the one family writes them and the other takes them.

use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// Ids of tool calls that every family takes: letters, digits, `_` and `-`, at most so many.
const LONGEST_CALL: usize = 40;

/// An id of a tool call as every family takes it. One that is not becomes another one, the same
/// each time, so that calls and results keep belonging together.
pub(super) fn call(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !id.is_empty() && id.len() <= LONGEST_CALL && id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(id));
    let short: String = digest.chars().take(24).collect();
    Cow::Owned(format!("call_{short}"))
}

/// An id for a call to which the provider gives none. Results name it in later requests, in which
/// there may be calls of many answers: it is like no other.
pub(in super::super) fn made() -> String {
    format!("call_{}", uuid::Uuid::new_v4().simple())
}

/// The id of an answer with the prefix of another family.
pub(super) fn answer(prefix: &str, id: Option<&str>, request_id: &str) -> String {
    let id = id.filter(|id| !id.is_empty() && id.len() <= 128).unwrap_or(request_id);
    let bare = ["chatcmpl-", "msg_", "resp_"].iter().find_map(|known| id.strip_prefix(known));
    format!("{prefix}{}", bare.unwrap_or(id))
}

/// Whether an address is one that a provider fetches something from: none of a file, say.
pub(super) fn is_fetched(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Whether a text can be base64 (RFC 4648 §4), with line breaks and with its padding or without.
pub(super) fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let breaks = bare.bytes().filter(u8::is_ascii_whitespace).count();
    bare.len() > breaks
        && text.len() - bare.len() <= 2
        && (bare.len() - breaks) % 4 != 1
        && bare.bytes().all(|b| fits(&b) || b.is_ascii_whitespace())
}

/// Media type and base64 of a `data:` URL (RFC 2397); `None` for any other address.
pub(super) fn data_url(url: &str) -> Option<(String, String)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let (media_type, base64) = head.rsplit_once(';')?;
    if !base64.eq_ignore_ascii_case("base64") {
        return None;
    }
    let media_type = media_type.split(';').next().unwrap_or_default();
    let whole = !media_type.is_empty() && is_base64(data);
    whole.then(|| (media_type.to_ascii_lowercase(), data.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_ids_become_others_that_are_the_same_each_time() {
        assert_eq!(call("toolu_01A-b"), "toolu_01A-b");
        for odd in ["", "a b", "functions.f:0", &"x".repeat(41), "é"] {
            let id = call(odd);
            assert!(id.starts_with("call_") && id.len() <= LONGEST_CALL, "{odd}");
            assert_eq!(id, call(odd));
        }
        assert_ne!(call("a b"), call("a c"));
        let (one, other) = (made(), made());
        assert_ne!(one, other);
        assert_eq!(call(&one), one, "every family takes it as it is");
    }

    #[test]
    fn answers_keep_their_ids_under_another_prefix() {
        assert_eq!(answer("msg_", Some("chatcmpl-1"), "r"), "msg_1");
        assert_eq!(answer("chatcmpl-", Some("msg_1"), "r"), "chatcmpl-1");
        assert_eq!(answer("chatcmpl-", None, "r"), "chatcmpl-r");
    }

    #[test]
    fn data_urls_are_told_from_addresses() {
        let of = |mt: &str, data: &str| Some((mt.to_owned(), data.to_owned()));
        assert_eq!(data_url("data:image/PNG;base64,aa=="), of("image/png", "aa=="));
        assert_eq!(data_url("data:a/b;name=x;base64,a+/A"), of("a/b", "a+/A"));
        for other in [
            "https://x/y",
            "data:text/plain,hello",
            "data:;base64,aa",
            "data:",
            "data:a/b;base64,",
            "data:a/b;base64,@@@",
            "data:a/b;base64,aaaaa",
            "data:a/b;base64,a===",
            "data:a/b;base64,aa==aa",
        ] {
            assert_eq!(data_url(other), None, "{other}");
        }
    }
}
