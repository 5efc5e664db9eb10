//! Access tokens: JWT with HS256 (RFC 7519, RFC 8725). The algorithm comes from the key, never
//! from the token's header; issuer, audience and type must be ours.

use super::authenticator::{Caller, Credential};
use super::key::random;
use crate::base::{Secret, Timestamp, words};
use crate::report::Problem;
use crate::settings::secret::{RingKey, RingRole};
use crate::store::{Scope, Scopes};
use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who issues our tokens.
pub(crate) const ISSUER: &str = "ultra";
/// Whom access tokens are for.
pub(crate) const AUDIENCE: &str = "ultra-api";
/// What an access token calls itself; refresh tokens have another type and audience.
const ACCESS: &str = "access";
/// What clocks may differ by.
const LEEWAY: i64 = 5;
/// The least that HS256 needs (RFC 7518 §3.2).
const SHORTEST_KEY: usize = 32;
/// No access token lives longer.
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who issued it.
    pub(crate) iss: String,
    /// Whom it is for.
    pub(crate) aud: String,
    /// Whom it speaks of.
    pub(crate) sub: String,
    /// Its type.
    pub(crate) typ: String,
    /// When it was issued, seconds since 1970.
    pub(crate) iat: i64,
    /// From when it is valid.
    pub(crate) nbf: i64,
    /// Until when it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exp: Option<i64>,
    /// Its own id.
    pub(crate) jti: String,
    /// What its bearer may do.
    pub(crate) scope: String,
}

impl Claims {
    /// The caller that a valid token speaks of.
    pub(super) fn caller(&self) -> Caller {
        Caller {
            key_id: self.sub.as_str().into(),
            name: self.sub.as_str().into(),
            scopes: Scopes::parse(&self.scope),
            rate: None,
            credential: Credential::AccessToken,
        }
    }
}

/// One key: it signs and verifies HS256 and nothing else.
#[derive(Clone)]
struct TokenKey {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// Until when what it signed is accepted, if that ends by itself.
    until: Option<Timestamp>,
}

/// The keys that sign access tokens.
#[derive(Clone)]
pub(crate) struct TokenKeys {
    signing: Option<TokenKey>,
    verify_only: Vec<TokenKey>,
}

/// Only ids: the library's types do not hide their content by contract.
impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().map(|key| &key.kid)).finish()
    }
}

impl TokenKeys {
    /// No keys: every token is refused and none is made.
    pub(crate) fn none() -> Self {
        Self { signing: None, verify_only: Vec::new() }
    }

    /// One key that signs.
    ///
    /// # Errors
    /// A key of less than 32 bytes.
    pub(crate) fn new(signing: &Secret) -> Result<Self, Problem> {
        let key = RingKey { version: 1, secret: signing.clone(), role: RingRole::Signs };
        Self::of(&[key])
    }

    /// The keys of a ring: one signs, the others verify for as long as each may.
    ///
    /// # Errors
    /// A key of less than 32 bytes.
    pub(crate) fn of(ring: &[RingKey]) -> Result<Self, Problem> {
        let mut keys = Self::none();
        for key in ring {
            match key.role {
                RingRole::Signs => keys.signing = Some(TokenKey::new(&key.secret, None)?),
                RingRole::Verifies { until } => {
                    keys.verify_only.push(TokenKey::new(&key.secret, until)?);
                }
            }
        }
        Ok(keys)
    }

    /// The id of the key that signs.
    pub(crate) fn signing_id(&self) -> Option<&str> {
        self.signing.as_ref().map(|key| key.kid.as_str())
    }

    /// The ids of all.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.kid.as_str())
    }

    fn all(&self) -> impl Iterator<Item = &TokenKey> {
        self.signing.iter().chain(&self.verify_only)
    }
}

impl TokenKey {
    fn new(secret: &Secret, until: Option<Timestamp>) -> Result<Self, Problem> {
        let bytes = secret.expose().as_bytes();
        if bytes.len() < SHORTEST_KEY {
            return Err(Problem::error(
                "weak-jwt-key",
                format!("`ULTRA_JWT_KEY` has {}", words::count(bytes.len(), "byte")),
            )
            .why(format!("HS256 needs at least {SHORTEST_KEY}"))
            .hint("ultra keys rotate jwt"));
        }
        Ok(Self {
            kid: kid(bytes),
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
            until,
        })
    }
}

/// How many hexadecimal digits the id of a key has.
const KID: usize = 16;

/// The id of a key, made from the key itself: whoever has the same key by whatever way (vault,
/// file, environment) calls it the same.
fn kid(key: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, b"ultra jwt key id v1");
    HEXLOWER.encode(tag.as_ref().get(..8).unwrap_or_default())
}

/// What a token turned out to be.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A token of ours, for us, now.
    Valid(Box<Claims>),
    /// Not one.
    Invalid,
    /// One that was valid.
    Expired,
    /// Signed with a key that is not known here; the key's id.
    UnknownKey(String),
}

/// Judges a token.
pub(super) fn verify(token: &str, keys: &TokenKeys, now: Timestamp) -> Verdict {
    let Ok(header) = jsonwebtoken::decode_header(token) else { return Verdict::Invalid };
    // RFC 7515 §4.1.11: what must be understood and is not, is refused.
    let (Algorithm::HS256, None, Some(kid)) = (header.alg, &header.crit, &header.kid) else {
        return Verdict::Invalid;
    };
    let Some(key) = keys.all().find(|key| key.kid == *kid) else {
        // Only an id that a key of ours could have is worth looking for.
        let ours = kid.len() == KID && kid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let any = ours && keys.all().next().is_some();
        return if any { Verdict::UnknownKey(kid.clone()) } else { Verdict::Invalid };
    };
    if key.until.is_some_and(|until| until <= now) {
        return Verdict::Invalid;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    // Times are judged below, by our clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = match jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation) {
        Ok(data) if data.claims.typ == ACCESS => data.claims,
        _ => return Verdict::Invalid,
    };
    let now = now.as_second();
    match claims.exp {
        None => Verdict::Invalid,
        Some(exp) if exp.saturating_add(LEEWAY) <= now => Verdict::Expired,
        Some(_) if claims.nbf.saturating_sub(LEEWAY) > now => Verdict::Invalid,
        Some(_) => Verdict::Valid(Box::new(claims)),
    }
}

/// What a new token is to be.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    /// Whom it speaks of: usage and limits count by it.
    pub(crate) subject: String,
    /// What its bearer may do.
    pub(crate) scopes: Scopes,
    /// How long it is valid; at most [`LONGEST_LIFE`].
    pub(crate) life: Duration,
}

/// A token that has just been made.
#[derive(Clone, Debug)]
pub(crate) struct MintedToken {
    /// The token, to be shown once.
    pub(crate) text: Secret,
    /// What it says.
    pub(crate) claims: Claims,
}

/// Makes an access token; `None` if there is no key to sign with.
pub(crate) fn mint(
    keys: &TokenKeys,
    request: &TokenRequest,
    now: Timestamp,
) -> Option<MintedToken> {
    let life = i64::try_from(request.life.min(LONGEST_LIFE).as_secs()).unwrap_or(0);
    sign(keys, claims(&request.subject, request.scopes, now.as_second(), life))
}

fn claims(subject: &str, scopes: Scopes, now: i64, life: i64) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: subject.to_owned(),
        typ: ACCESS.to_owned(),
        iat: now,
        nbf: now,
        exp: Some(now.saturating_add(life)),
        jti: BASE64URL_NOPAD.encode(&random::<12>()),
        scope: scopes.to_string(),
    }
}

fn sign(keys: &TokenKeys, claims: Claims) -> Option<MintedToken> {
    let key = keys.signing.as_ref()?;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(key.kid.clone());
    let text = jsonwebtoken::encode(&header, &claims, &key.encoding).ok()?;
    Some(MintedToken { text: Secret::new(text), claims })
}

/// A token for a probe: correctly signed, and to be refused all the same, or the control that is
/// to be accepted.
#[derive(Clone, Debug)]
pub(crate) struct ProbeToken {
    /// What is special about it, in kebab case.
    pub(crate) case: &'static str,
    /// The token.
    pub(crate) text: Secret,
    /// The code of the error that must come, or `None` for the control.
    pub(crate) expected: Option<&'static str>,
}

/// Tokens with which a caller of scope `check` probes this server; `None` if there is no key to
/// sign with. The one that is valid lets the bearer do no more than the caller may, for a minute.
pub(crate) fn mint_probe_tokens(
    keys: &TokenKeys,
    caller: &Caller,
    now: Timestamp,
) -> Option<Vec<ProbeToken>> {
    const MINUTE: i64 = 60;
    let second = now.as_second();
    let subject = format!("probe:{}", caller.key_id);
    let valid = || claims(&subject, caller.scopes, second, MINUTE);
    let no_scope = Claims { scope: Scopes::of([Scope::Check; 0]).to_string(), ..valid() };
    let cases: [(&'static str, Option<&'static str>, Claims); 8] = [
        ("valid", None, valid()),
        ("no-scope", Some("insufficient_scope"), no_scope),
        (
            "expired",
            Some("token_expired"),
            Claims {
                iat: second - 2 * MINUTE,
                nbf: second - 2 * MINUTE,
                exp: Some(second - MINUTE),
                ..valid()
            },
        ),
        (
            "not-yet-valid",
            Some("invalid_token"),
            Claims { nbf: second + MINUTE, exp: Some(second + 2 * MINUTE), ..valid() },
        ),
        ("no-expiry", Some("invalid_token"), Claims { exp: None, ..valid() }),
        ("wrong-audience", Some("invalid_token"), Claims { aud: "another-api".into(), ..valid() }),
        ("wrong-issuer", Some("invalid_token"), Claims { iss: "another".into(), ..valid() }),
        ("refresh-token", Some("invalid_token"), Claims { typ: "refresh".into(), ..valid() }),
    ];
    cases
        .into_iter()
        .map(|(case, expected, claims)| {
            Some(ProbeToken { case, text: sign(keys, claims)?.text, expected })
        })
        .collect()
}
