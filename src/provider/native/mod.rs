//! What the adapters of providers with an API of their own share.

mod parts;

pub(super) use super::translation::call_id;
pub(crate) use parts::{Calls, plain_text, segment, texts};

use super::failure::Class;
use super::forbidden;
use super::translation::{Refused, Unread, Untranslatable, exact};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Number;

/// That a provider has no such thing as what the client asks for.
pub(crate) fn cannot(param: &str, provider: &str, what: &str) -> Untranslatable {
    Untranslatable::unsupported(param, format!("`{param}`: {provider} {what}"))
}

/// A number of the request that the provider takes only within bounds.
pub(crate) fn within(
    param: &str,
    provider: &str,
    number: Option<&Number>,
    least: f64,
    most: f64,
) -> Result<(), Untranslatable> {
    match number.and_then(Number::as_f64) {
        Some(number) if !(least..=most).contains(&number) => {
            Err(cannot(param, provider, &format!("takes {least} to {most}")))
        }
        _ => Ok(()),
    }
}

/// An answer that is none of the API. What it says instead is not quoted: it may be anything.
pub(crate) fn unreadable(provider: &str, why: &str) -> Unread {
    Unread::Malformed(format!("it is no answer of the {provider} API: {why}"))
}

/// A document of the API. Numbers in arguments keep their digits.
///
/// # Errors
/// It is none.
pub(crate) fn parse<T: DeserializeOwned>(provider: &str, body: &[u8]) -> Result<T, Unread> {
    serde_json::from_slice(&exact::guarded(body)).map_err(|e| {
        unreadable(
            provider,
            if e.is_eof() { "it ends too early" } else { "it is another document" },
        )
    })
}

/// An error of which the body says no more than its status, but for a 403, which is said of much.
pub(crate) fn by_body(status: StatusCode, body: &[u8]) -> Refused {
    let mut refused = by_status(status);
    if refused.class == Class::Forbidden {
        refused.class = forbidden::class(body);
    }
    refused
}

/// An error of which the body says nothing.
pub(crate) fn by_status(status: StatusCode) -> Refused {
    Refused { status, class: Class::of(status), message: String::new() }
}

/// The status that stands for a number in a body: 500 where it is none of an error.
pub(crate) fn status_of(number: Option<u64>) -> StatusCode {
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| (400..=599).contains(number))
        .and_then(|number| StatusCode::from_u16(number).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
