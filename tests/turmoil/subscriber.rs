//! The subscriber: takes lifecycle events, drops what it has already, acknowledges.

use tokio::task::spawn_local;
use turmoil::net::TcpListener;

use crate::history::Witness;
use crate::line::Line;

/// Its name, and where it listens.
pub(crate) const HOST: &str = "subscriber";
pub(crate) const PORT: u16 = 7002;

/// The host's software.
pub(crate) async fn serve(witness: Witness) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn_local(listen(Line::over(stream), witness.clone()));
    }
}

async fn listen(mut line: Line, witness: Witness) {
    while let Some(event) = line.hear().await {
        let heard = witness.history().hear(&event);
        if let Some(offset) = heard
            && line.say(&offset.to_string()).await.is_err()
        {
            return;
        }
    }
}
