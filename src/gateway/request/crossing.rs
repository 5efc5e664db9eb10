//! A call put to a provider of another family.

use super::answer::AnswerBody;
use super::exchange::{Exchange, answer, is_stream};
use super::forward::Call;
use super::missed::{Kind, Missed, Told};
use crate::base::apart::{HEAVY, Weighty, apart};
use crate::base::redact::Redactor;
use crate::gateway::error::GatewayError;
use crate::gateway::routes::Target;
use crate::gateway::slots::InFlight;
use crate::provider::conversation::Conversation;
use crate::provider::translation::{
    self, ClientDialect, Dialect, Framing, Refused, Shown, StreamTranslator, Unread, Untranslatable,
};
use crate::provider::{Failure, headers, told_to_wait};
use crate::store::Outcome;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a call asks, read once for all targets of other families.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    client: &'static dyn ClientDialect,
    conversation: Arc<Weighty<Conversation>>,
}

/// A call as it is put to one target.
#[derive(Debug)]
pub(super) struct Crossing {
    meant: Meant,
    dialect: &'static dyn Dialect,
    pub(super) uri: Uri,
    pub(super) body: Bytes,
}

impl Meant {
    /// What a call asks.
    pub(super) async fn of(call: &Call) -> Result<Self, Untranslatable> {
        let Some(client) = translation::client(call.endpoint) else {
            let what = "this endpoint has no counterpart at the provider of this model";
            return Err(Untranslatable::unsupported("model", what));
        };
        let (body, size) = (call.body.clone(), call.body.len().saturating_mul(HEAVY));
        let conversation = apart(size, move || client.read_request(&body)).await?;
        Ok(Self { client, conversation: Arc::new(Weighty::new(conversation, size)) })
    }

    /// The call as `target` is asked it.
    pub(super) async fn at(
        &self,
        target: &Target,
        base: &str,
        size: usize,
    ) -> Result<Crossing, Untranslatable> {
        let dialect = target.provider.dialect;
        let (conversation, model) = (Arc::clone(&self.conversation), Arc::clone(&target.model));
        let size = size.saturating_mul(HEAVY);
        let body = apart(size, move || dialect.request(&conversation, &model)).await?;
        let url = dialect.url(base.trim_end_matches('/'), &target.model, self.conversation.stream);
        let uri = url.parse().map_err(|_| {
            let what = "the model's name at the provider cannot stand in an address";
            Untranslatable::unsupported("model", what)
        })?;
        Ok(Crossing { meant: self.clone(), dialect, uri, body })
    }

    fn shown<'a>(&'a self, model: &'a str, request_id: &'a str) -> Shown<'a> {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Shown { conversation: &self.conversation, model, request_id, created }
    }
}

impl Crossing {
    /// Leaves out what headers say to a family that is not asked, and adds what the other demands.
    pub(super) fn dress(&self, out: &mut HeaderMap) {
        let foreign: Vec<_> = out
            .keys()
            .filter(|name| {
                let name = name.as_str();
                name.starts_with("anthropic-") || name.starts_with("openai-")
            })
            .cloned()
            .collect();
        for name in foreign {
            out.remove(name);
        }
        self.dialect.defaults(out);
    }

    /// Whether an answer of this type is a stream.
    pub(super) fn streams(&self, kind: &[u8]) -> bool {
        is_stream(kind)
            || (self.dialect.framing() == Framing::Lines && self.meant.conversation.stream)
    }

    /// The beginning of a stream is looked for with this.
    pub(super) fn opening(&self) -> translation::StreamOpening {
        translation::StreamOpening::of(self.dialect)
    }

    /// What tells the stream of `slot` to the client.
    pub(super) fn translator(
        &self,
        target: &Target,
        request_id: &str,
        slot: &InFlight,
    ) -> StreamTranslator {
        let writer = self.meant.client.writer(&self.meant.shown(&target.model, request_id));
        let secrets = Redactor::new([slot.slot().secret.clone()]);
        StreamTranslator::new(self.dialect, writer, request_id, secrets)
    }
}

impl Exchange<'_> {
    /// A whole answer of the provider, told to the client.
    pub(super) async fn told(
        &self,
        crossing: &Crossing,
        parts: &Parts,
        body: Bytes,
        attempt: &mut super::attempt::Attempt,
        slot: &InFlight,
    ) -> Result<Response<AnswerBody>, Missed> {
        let (dialect, size) = (crossing.dialect, body.len().saturating_mul(HEAVY));
        if crossing.meant.conversation.stream {
            let tokens = apart(size, move || dialect.tokens(&body)).await;
            tokens.into_iter().for_each(|tokens| attempt.count(tokens));
            let failure = Failure::Malformed("it is no stream".to_owned());
            return Err(self.unusable(attempt, Kind::Useless, failure));
        }
        // What is no good is billed all the same.
        let read = move || dialect.reply(&body).map_err(|why| (why, dialect.tokens(&body)));
        let read = apart(size, read).await.map_err(|(why, tokens)| {
            tokens.into_iter().for_each(|tokens| attempt.count(tokens));
            why
        });
        let reply = match read {
            Ok(reply) => reply,
            Err(Unread::Malformed(why) | Unread::Broken(why)) => {
                return Err(self.unusable(attempt, Kind::Useless, Failure::Malformed(why)));
            }
            Err(Unread::Refused(refused)) => {
                attempt.fail(Outcome::Error, refused.status.as_u16());
                return Err(self.refused(crossing, &refused, &parts.headers, slot));
            }
        };
        attempt.count(reply.tokens);
        attempt
            .end_with_others(Outcome::Ok, parts.status.as_u16())
            .await
            .map_err(|why| Missed::new(Kind::Final, GatewayError::Unmetered(why)))?;
        let (meant, model) = (crossing.meant.clone(), Arc::clone(&self.target.model));
        let request_id = Arc::clone(&self.call.asked.request_id);
        let body = apart(size, move || {
            meant.client.write_reply(&reply, &meant.shown(&model, &request_id))
        });
        let body = body.await;
        let mut answer = answer(parts, AnswerBody::Whole(Some(body)));
        *answer.status_mut() = StatusCode::OK;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        attempt.tell_cost(answer.headers_mut());
        Ok(answer)
    }

    /// What the error of the provider says.
    pub(super) fn refused_by(
        &self,
        crossing: &Crossing,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        slot: &InFlight,
    ) -> Missed {
        let refused = crossing.dialect.refusal(status, body);
        let mut missed = self.refused(crossing, &refused, headers, slot);
        if missed.wait.is_none()
            && let Some(wait) = crossing.dialect.told_to_wait(body)
        {
            missed.wait = Some(wait);
            if let Ok(answer) = &mut *missed.told {
                let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
        missed
    }

    /// An error of the provider's own, in the shape of the client's family; our key is masked if
    /// the provider quotes it.
    pub(super) fn refused(
        &self,
        crossing: &Crossing,
        refused: &Refused,
        headers: &HeaderMap,
        slot: &InFlight,
    ) -> Missed {
        let kind = Kind::of(refused.class);
        if kind.is_of_key() {
            return self.key_refused(kind);
        }
        let wait = told_to_wait(headers, SystemTime::now());
        if refused.message.is_empty() {
            return self.unreadable(kind, refused.status, headers, wait);
        }
        let key = &slot.slot().secret;
        let message = Redactor::new([key.clone()]).clean(&refused.message);
        let refused = Refused { message, ..refused.clone() };
        let (status, body) =
            crossing.meant.client.write_refusal(&refused, &self.call.asked.request_id);
        let mut answer = Response::new(AnswerBody::Whole(Some(body)));
        *answer.status_mut() = status;
        headers::to_client(headers, answer.headers_mut());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = headers.get(RETRY_AFTER) {
            answer.headers_mut().insert(RETRY_AFTER, after.clone());
        }
        let told: Told = Box::new(Ok(answer));
        Missed { kind, told, wait }
    }
}
