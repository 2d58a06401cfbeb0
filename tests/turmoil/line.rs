//! Lines of text between hosts.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::time::{sleep, timeout};
use turmoil::net::TcpStream;
use turmoil::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How long to wait for a connection, and before the next try.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(50);

/// A connection that carries lines both ways.
pub(crate) struct Line {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Line {
    /// A line over a connection that is there.
    pub(crate) fn over(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { lines: BufReader::new(reader).lines(), writer }
    }

    /// A line to a host, tried until there is one.
    pub(crate) async fn to(host: &str, port: u16) -> Self {
        loop {
            match timeout(PATIENCE, TcpStream::connect((host, port))).await {
                Ok(Ok(stream)) => return Self::over(stream),
                Ok(Err(_)) | Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Says something.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(format!("{text}\n").as_bytes()).await
    }

    /// What the other end says next; nothing when it has hung up. May be dropped while it waits.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }
}
