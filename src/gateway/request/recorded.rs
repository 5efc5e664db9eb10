//! The body of an answer that is kept when it has ended well.

use super::answer::AnswerBody;
use super::played::Cut;
use crate::base::Joined;
use crate::gateway::answers::{Answers, LARGEST, Lead};
use crate::provider::Endpoint;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What is kept, and for whom.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) answers: Arc<Answers>,
    pub(super) lead: Lead,
    /// The head of the answer.
    pub(super) head: HeaderMap,
    pub(super) endpoint: Endpoint,
    /// Whether it is a stream of events.
    pub(super) streamed: bool,
    /// For how long it is kept.
    pub(super) lifetime: Duration,
}

/// A body that is recorded while it passes.
#[derive(Debug)]
pub(crate) struct Recorded {
    inner: AnswerBody,
    /// `None` once nothing will be kept, or everything is.
    tape: Option<Tape>,
    pieces: Joined,
}

impl Recorded {
    pub(super) fn new(inner: AnswerBody, tape: Tape) -> Self {
        Self { inner, tape: Some(tape), pieces: Joined::default() }
    }

    pub(super) fn inner(&self) -> &AnswerBody {
        &self.inner
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    /// The next piece.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(tape) = &self.tape {
            tape.lead.wanted();
        }
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(piece) = frame.data_ref() {
                    self.record(piece);
                }
            }
            Poll::Ready(Some(Err(_))) => self.tape = None,
            // Whoever has read it to its end finds it.
            Poll::Ready(None) => self.end(),
        }
        polled
    }

    fn record(&mut self, piece: &Bytes) {
        let Some(tape) = &self.tape else { return };
        tape.lead.handed();
        if self.pieces.len() + piece.len() <= LARGEST {
            self.pieces.push(piece.clone());
            return;
        }
        self.pieces = Joined::default();
        if let Some(tape) = self.tape.take() {
            tape.lead.part();
        }
    }

    /// Nothing more comes, or is wanted.
    fn end(&mut self) {
        if let Some(tape) = self.tape.take()
            && self.inner.ended_well()
        {
            tape.keep(std::mem::take(&mut self.pieces).whole());
        }
    }
}

impl Drop for Recorded {
    /// Many clients leave with the mark of the end, before the connection says so.
    fn drop(&mut self) {
        self.end();
    }
}
