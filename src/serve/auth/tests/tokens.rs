//! Access tokens: what is accepted, for how long, and every way in which one is refused.

use super::*;
use crate::settings::secret::{RingKey, RingRole};

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn minted(life: u64) -> Secret {
    let keys = TokenKeys::new(&Secret::new(JWT_KEY)).unwrap();
    let request = TokenRequest {
        subject: "operator".into(),
        scopes: Scopes::of([Scope::Read]),
        life: Duration::from_secs(life),
    };
    mint(&keys, &request, now()).unwrap().text
}

fn ask(text: &str, at: i64) -> Result<Caller, AuthError> {
    let now = now();
    let authenticator = authenticator();
    let at = now + jiff::SignedDuration::from_secs(at);
    authenticator.authenticate(&bearer(text), at)
}

#[test]
fn a_token_is_its_subject_until_it_expires() {
    let token = minted(60);
    let caller = ask(token.expose(), 0).unwrap();
    assert_eq!((&*caller.key_id, caller.credential), ("operator", Credential::AccessToken));
    assert!(caller.scopes.has(Scope::Read) && !caller.scopes.has(Scope::Write));
    ask(token.expose(), 64).unwrap();
    assert_eq!(ask(token.expose(), 65), Err(AuthError::TokenExpired));
    ask(token.expose(), -5).unwrap();
    assert_eq!(ask(token.expose(), -6), Err(AuthError::InvalidToken));
    // No token lives longer than a day, whatever is asked for.
    assert_eq!(ask(minted(1 << 40).expose(), 86_406), Err(AuthError::TokenExpired));
}

#[test]
fn no_bit_of_a_token_can_be_changed() {
    let token = minted(60).expose().to_owned();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        if changed != token {
            assert!(ask(&changed, 0).is_err(), "changed at {at}");
        }
    }
}

#[test]
fn the_algorithm_is_never_taken_from_the_token() {
    use data_encoding::BASE64URL_NOPAD;
    let token = minted(60).expose().to_owned();
    let mut parts = token.split('.');
    let (head, body, tail) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let head = String::from_utf8(BASE64URL_NOPAD.decode(head.as_bytes()).unwrap()).unwrap();
    for algorithm in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", ""] {
        let head = head.replace("HS256", algorithm);
        let head = BASE64URL_NOPAD.encode(head.as_bytes());
        for tail in ["", tail] {
            let forged = format!("{head}.{body}.{tail}");
            assert_eq!(ask(&forged, 0), Err(AuthError::InvalidToken), "{algorithm}");
        }
    }
    // A header that demands what we do not understand (RFC 7515 §4.1.11), correctly signed.
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    let known: serde_json::Value = serde_json::from_str(&head).unwrap();
    header.kid = known["kid"].as_str().map(str::to_owned);
    let claims: serde_json::Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(body.as_bytes()).unwrap()).unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_KEY.as_bytes());
    let signed =
        |header: &jsonwebtoken::Header| jsonwebtoken::encode(header, &claims, &key).unwrap();
    ask(&signed(&header), 0).unwrap();
    header.crit = Some(vec!["exp".into()]);
    assert_eq!(ask(&signed(&header), 0), Err(AuthError::InvalidToken));
}

#[test]
fn garbage_is_no_token() {
    for text in ["x", "a.b", "a.b.c", "..", "eyJhbGciOiJIUzI1NiJ9.e30.", "ey", "\u{e9}"] {
        assert_eq!(ask(text, 0), Err(AuthError::InvalidToken), "{text}");
    }
}

#[test]
fn probes_are_refused_as_they_should_be() {
    let keys = TokenKeys::new(&Secret::new(JWT_KEY)).unwrap();
    let caller = Caller {
        key_id: "k".into(),
        name: "probe".into(),
        scopes: Scopes::of([Scope::Read, Scope::Check]),
        rate: None,
        credential: Credential::ServiceKey,
    };
    let probes = mint_probe_tokens(&keys, &caller, now()).unwrap();
    assert_eq!(probes.len(), 8);
    for probe in probes {
        let answer = ask(probe.text.expose(), 0)
            .and_then(|caller| caller.require(Scope::Read).map(|()| caller));
        match probe.expected {
            None => assert_eq!(answer.unwrap().scopes, caller.scopes),
            Some(code) => assert_eq!(answer.unwrap_err().code(), code, "{}", probe.case),
        }
    }
    assert!(mint_probe_tokens(&TokenKeys::none(), &caller, now()).is_none());
}

#[test]
fn an_unknown_signing_key_is_waited_for_and_then_refused() {
    let other = TokenKeys::new(&Secret::new("x".repeat(32))).unwrap();
    let request = TokenRequest {
        subject: "x".into(),
        scopes: Scopes::default(),
        life: Duration::from_secs(3_600),
    };
    let token = mint(&other, &request, now()).unwrap().text;
    let at = |seconds| now() + jiff::SignedDuration::from_secs(seconds);
    let authenticator = authenticator();
    let ask = |seconds| authenticator.authenticate(&bearer(token.expose()), at(seconds));
    assert!(matches!(ask(0), Err(AuthError::Unavailable { .. })));
    assert!(matches!(ask(5), Err(AuthError::Unavailable { .. })));
    assert_eq!(ask(6), Err(AuthError::InvalidToken));
    assert_eq!(ask(30), Err(AuthError::InvalidToken));
    assert!(matches!(ask(31), Err(AuthError::Unavailable { .. })), "asked again");
    // The keys are loaded, and it is not among them yet.
    let key = Secret::new(JWT_KEY);
    authenticator.set_token_keys(TokenKeys::new(&key).unwrap(), at(0));
    assert!(matches!(ask(33), Err(AuthError::Unavailable { .. })));
    // It is there: accepted, though another one signs.
    let ring = |until| {
        let other = Secret::new("x".repeat(32));
        let verifies = RingKey { version: 2, secret: other, role: RingRole::Verifies { until } };
        [RingKey { version: 1, secret: key.clone(), role: RingRole::Signs }, verifies]
    };
    let both = TokenKeys::of(&ring(None)).unwrap();
    assert_eq!(both.signing_id(), authenticator.token_keys().signing_id());
    authenticator.set_token_keys(both, at(0));
    ask(35).unwrap();
    // Its time is over: refused at once, for nobody will know it again.
    authenticator.set_token_keys(TokenKeys::of(&ring(Some(at(40)))).unwrap(), at(0));
    ask(39).unwrap();
    assert_eq!(ask(40), Err(AuthError::InvalidToken));
    // Without any key there is nothing to wait for.
    authenticator.set_token_keys(TokenKeys::none(), at(0));
    assert_eq!(ask(100), Err(AuthError::InvalidToken));
}

#[test]
fn keys_that_somebody_makes_up_do_not_stand_in_for_one_that_was_published() {
    let request = TokenRequest {
        subject: "x".into(),
        scopes: Scopes::default(),
        life: Duration::from_secs(3_600),
    };
    let token = |n: usize| {
        let keys = TokenKeys::new(&Secret::new(format!("{n:032}"))).unwrap();
        mint(&keys, &request, now()).unwrap().text
    };
    let at = |seconds| now() + jiff::SignedDuration::from_secs(seconds);
    let authenticator = authenticator();
    let ask = |n, seconds| authenticator.authenticate(&bearer(token(n).expose()), at(seconds));
    for n in 0..50 {
        assert!(matches!(ask(n, 0), Err(AuthError::Unavailable { .. })), "{n}");
    }
    authenticator.set_token_keys(TokenKeys::new(&Secret::new(JWT_KEY)).unwrap(), at(0));
    assert_eq!(ask(7, 6), Err(AuthError::InvalidToken), "looked for");
    // Another one, a moment later: it may have been published since.
    assert!(matches!(ask(100, 7), Err(AuthError::Unavailable { .. })));
    assert_eq!(ask(100, 13), Err(AuthError::InvalidToken));
}

#[test]
fn a_signing_key_that_was_taken_away_is_refused_for_as_long_as_a_token_may_live() {
    let token = minted(86_400);
    let at = |seconds| now() + jiff::SignedDuration::from_secs(seconds);
    let authenticator = authenticator();
    let ask = |seconds| authenticator.authenticate(&bearer(token.expose()), at(seconds));
    ask(0).unwrap();
    let next = || TokenKeys::new(&Secret::new("y".repeat(32))).unwrap();
    authenticator.set_token_keys(next(), at(1));
    // However often anybody asks, and whatever is loaded and made up meanwhile.
    for seconds in (1..120).chain([3_600, 43_200, 86_400]) {
        assert_eq!(ask(seconds), Err(AuthError::InvalidToken), "after {seconds} s");
        authenticator.set_token_keys(next(), at(seconds));
    }
    let length = next().signing_id().unwrap().len();
    for n in 0..5_000 {
        let header = jsonwebtoken::Header {
            kid: Some(format!("{n:0length$x}")),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
        };
        let key = jsonwebtoken::EncodingKey::from_secret(b"nobody's");
        let made_up = jsonwebtoken::encode(&header, &serde_json::json!({}), &key).unwrap();
        let _ = authenticator.authenticate(&bearer(&made_up), at(86_400));
    }
    assert_eq!(ask(86_400), Err(AuthError::InvalidToken), "forgotten for others");
    // One that comes back is good again.
    authenticator.set_token_keys(TokenKeys::new(&Secret::new(JWT_KEY)).unwrap(), at(86_400));
    ask(86_400).unwrap();
    // One that nothing can be signed with any more is forgotten.
    authenticator.set_token_keys(next(), at(86_400));
    authenticator.set_token_keys(next(), at(3 * 86_400));
    assert!(matches!(ask(3 * 86_400), Err(AuthError::Unavailable { .. })));
}

#[test]
fn a_short_key_is_refused_and_no_key_is_shown() {
    let short = TokenKeys::new(&Secret::new("canary")).unwrap_err();
    assert!(!short.to_string().contains("canary"));
    let keys = TokenKeys::new(&Secret::new(JWT_KEY)).unwrap();
    assert!(!format!("{keys:?}").contains("01234567"));
}
