//! What the world says to a driver: reports, commands, a stepped clock, the wish to stop.

use sametick_core::Waiting;
use sametick_core::effect::{Accepted, Command, Refusal, Report};
use sametick_core::id::RunId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// The driver's end of a mailbox.
#[derive(Debug)]
pub struct Mailbox {
    pub(crate) messages: mpsc::Receiver<Message>,
}

/// Everybody else's end of a mailbox: cheap to clone, and bounded, so a flood of reports waits
/// instead of growing.
#[derive(Clone, Debug)]
pub struct Handle {
    messages: mpsc::Sender<Message>,
}

/// One message, stamped when it was sent: a completion that waits in the mailbox while its deadline
/// passes was still there first.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) at: Instant,
    pub(crate) said: Said,
}

/// What a message says.
#[derive(Debug)]
pub(crate) enum Said {
    Report { run: RunId, report: Report },
    Command { command: Command, reply: oneshot::Sender<Result<Accepted, Refusal>> },
    Heard { below: u64 },
    ClockStepped,
    Waiting { reply: oneshot::Sender<Vec<Waiting>> },
    AtRest { reply: oneshot::Sender<()> },
    Stop,
}

/// Why a command had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The machine refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The driver ended before it answered: the command may or may not be durable.
    #[error("the gateway has stopped; start it again and look whether the command took")]
    Gone,
}

/// The driver is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway has stopped; start it again")]
pub struct Gone;

/// A mailbox that holds at most `capacity` messages, and a handle to write into it.
///
/// # Panics
/// When `capacity` is zero.
#[must_use]
pub fn mailbox(capacity: usize) -> (Handle, Mailbox) {
    let (sender, receiver) = mpsc::channel(capacity);
    (Handle { messages: sender }, Mailbox { messages: receiver })
}

impl Handle {
    /// Passes on what a turn says.
    ///
    /// # Errors
    /// When the driver has stopped.
    pub async fn report(&self, run: RunId, report: Report) -> Result<(), Gone> {
        self.send(Said::Report { run, report }).await
    }

    /// Asks for something, and waits until it is durable or refused.
    ///
    /// # Errors
    /// When the machine refuses, or the driver stops before the answer.
    pub async fn command(&self, command: Command) -> Result<Accepted, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(Said::Command { command, reply }).await.map_err(|Gone| CommandError::Gone)?;
        answer.await.map_err(|_| CommandError::Gone)?.map_err(CommandError::Refused)
    }

    /// Says that the subscribers have every event below this offset, where one of them answered
    /// [`Taken::Later`](crate::subscribers::Taken::Later).
    ///
    /// # Errors
    /// When the driver has stopped.
    pub async fn heard(&self, below: u64) -> Result<(), Gone> {
        self.send(Said::Heard { below }).await
    }

    /// Says that the wall clock stepped, so that it is read at once and not within the minute.
    ///
    /// # Errors
    /// When the driver has stopped.
    pub async fn clock_stepped(&self) -> Result<(), Gone> {
        self.send(Said::ClockStepped).await
    }

    /// What each run that is not closed waits for.
    ///
    /// # Errors
    /// When the driver has stopped.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.send(Said::Waiting { reply }).await?;
        answer.await.map_err(|_| Gone)
    }

    /// Waits until no run is open and everything is durable.
    ///
    /// # Errors
    /// When the driver stops before that.
    pub async fn at_rest(&self) -> Result<(), Gone> {
        let (reply, answer) = oneshot::channel();
        self.send(Said::AtRest { reply }).await?;
        answer.await.map_err(|_| Gone)
    }

    /// Asks the driver to stop: from then on it takes no command and starts no turn; it waits for
    /// its open commits, for as long as the store needs, and returns. Turns at work are left as they are; the next start of a gateway
    /// on the same store settles them as interrupted.
    ///
    /// # Errors
    /// When the driver has stopped already.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.send(Said::Stop).await
    }

    async fn send(&self, said: Said) -> Result<(), Gone> {
        // A reading before the wait for room: that is when it happened.
        let at = Instant::now();
        self.messages.send(Message { at, said }).await.map_err(|_| Gone)
    }
}
