//! The body of an answer: whole, made here piece by piece, or a provider's stream passing by.

use super::attempt::Attempt;
use super::passed::Passed;
use super::played::{Cut, Played};
use super::recorded::Recorded;
use crate::provider::mock::Piece;
use crate::store::Outcome;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of an answer. What goes wrong is said in the stream: it fails only where the mock cuts
/// it off on purpose.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// Events of the mock.
    Made(Box<Made>),
    /// What else the mock does.
    Played(Box<Played>),
    /// Events of a provider.
    Passed(Box<Passed>),
    /// Any of these, kept once it has ended well.
    Recorded(Box<Recorded>),
}

/// Events that are all known already.
#[derive(Debug)]
pub(crate) struct Made {
    pieces: std::vec::IntoIter<Piece>,
    /// How many of them are out.
    said: u64,
    attempt: Attempt,
}

/// The status of a row for a stream that began well.
pub(super) const BEGAN: u16 = 200;

impl AnswerBody {
    /// Whether all of it is there.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Recorded(recorded) => recorded.inner().is_whole(),
            Self::Made(_) | Self::Played(_) | Self::Passed(_) => false,
        }
    }

    /// The mock's events.
    pub(crate) fn made(pieces: Vec<Piece>, attempt: Attempt) -> Self {
        Self::Made(Box::new(Made { pieces: pieces.into_iter(), said: 0, attempt }))
    }

    /// Whether all of it has come, nothing went wrong or was left out, and its usage row is kept.
    pub(super) fn ended_well(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Made(made) => made.attempt.ended_well(),
            Self::Played(played) => played.ended_well(),
            Self::Passed(passed) => passed.ended_well(),
            Self::Recorded(recorded) => recorded.inner().ended_well(),
        }
    }
}

impl Made {
    fn next(&mut self) -> Option<Bytes> {
        let piece = self.pieces.next()?.bytes;
        if self.pieces.len() == 0
            && let Err(why) = self.attempt.end(Outcome::Ok, BEGAN)
        {
            return Some(unmetered(&self.attempt, &why, self.said));
        }
        self.said += 1;
        Some(piece)
    }
}

/// The error event in the place of an end whose usage could not be kept: the event of this number,
/// where events are numbered.
pub(super) fn unmetered(attempt: &Attempt, why: &str, sequence: u64) -> Bytes {
    let asked = attempt.asked();
    tracing::error!(request_id = %asked.request_id, %why, "usage row lost");
    let message = "the usage of this request could not be kept";
    let id = &asked.request_id;
    Bytes::from(asked.endpoint.stream_error("usage_unavailable", message, id, sequence))
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let piece = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().filter(|b| !b.is_empty())),
            Self::Made(made) => Poll::Ready(made.next()),
            Self::Played(played) => {
                return played.poll(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)));
            }
            Self::Passed(passed) => passed.poll(cx),
            Self::Recorded(recorded) => return recorded.poll(cx),
        };
        piece.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Made(_) | Self::Played(_) | Self::Passed(_) | Self::Recorded(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(
                bytes.as_ref().map_or(0, |b| u64::try_from(b.len()).unwrap_or(u64::MAX)),
            ),
            Self::Played(played) => played.size_hint(),
            Self::Recorded(recorded) => recorded.size_hint(),
            Self::Made(_) | Self::Passed(_) => SizeHint::default(),
        }
    }
}
