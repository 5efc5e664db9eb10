//! A TCP connection for the HTTP library, which writes a head and a short body in one piece.

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// What is written in one piece at most: copying more costs as much as it saves.
const SHORT: usize = 8 << 10;

/// A TCP connection. A head and a body come as two slices; `writev(2)` for two costs the kernel a
/// thousand cycles more than `send(2)` for one, which is more than bringing them together.
#[derive(Debug)]
pub(crate) struct Tcp(TokioIo<TcpStream>);

impl Tcp {
    /// The connection of a stream.
    pub(crate) fn of(stream: TcpStream) -> Self {
        Self(TokioIo::new(stream))
    }

    /// The stream again.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.0.into_inner()
    }

    fn io(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl Read for Tcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl Write for Tcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        thread_local! {
            static PIECE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        if bufs.iter().map(|buf| buf.len()).sum::<usize>() > SHORT {
            return self.io().poll_write_vectored(cx, bufs);
        }
        if let [only] = bufs {
            return self.io().poll_write(cx, only);
        }
        PIECE.with_borrow_mut(|piece| {
            piece.clear();
            for buf in bufs {
                piece.extend_from_slice(buf);
            }
            self.io().poll_write(cx, piece)
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn pieces_arrive_in_their_order_whatever_their_size() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut other = listener.accept().await.unwrap().0;
        let mut tcp = Tcp::of(stream);
        let (head, short, long) = (vec![b'h'; 500], vec![b's'; 300], vec![b'l'; SHORT]);
        for pieces in [&[&head, &short][..], &[&head, &long], &[&short], &[&short, &head, &short]] {
            let sent = pieces.iter().map(|piece| &piece[..]).collect::<Vec<_>>().concat();
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let write = poll_fn(|cx| Pin::new(&mut tcp).poll_write_vectored(cx, &slices));
            assert_eq!(write.await.unwrap(), sent.len());
            let mut received = vec![0; sent.len()];
            other.read_exact(&mut received).await.unwrap();
            assert_eq!(received, sent);
        }
    }
}
