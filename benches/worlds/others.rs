//! The first scenario where tokio's tasks and timers play it, the way most gateways are tested: a turn that
//! sends what it has, and somebody who waits for it with a timeout. Nothing is recorded, and nothing checked.

use std::hint::black_box;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::by_hand::draws;

/// What a turn says.
#[derive(PartialEq, Eq)]
enum Said {
    Ready,
    Completed,
}

/// Worlds in a row on one runtime whose clock jumps ahead when nobody has anything to do.
pub(crate) fn on_paused_tokio(worlds: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        for seed in 0..worlds {
            world(seed).await;
        }
    });
}

/// Each world a simulation of its own, whose clock goes a millisecond at a time.
pub(crate) fn on_turmoil(worlds: u64) {
    for seed in 0..worlds {
        let mut builder = turmoil::Builder::new();
        builder
            .tick_duration(Duration::from_millis(1))
            .simulation_duration(Duration::from_secs(300))
            .rng_seed(seed);
        let mut simulation = builder.build();
        simulation.client("gateway", async move {
            world(seed).await;
            Ok(())
        });
        simulation.run().expect("a world that ends");
    }
}

/// Start, time out, finalise, late answer.
async fn world(seed: u64) {
    let (ready, takes) = draws(seed);
    let (say, mut hear) = mpsc::channel(4);
    sleep(Duration::from_secs(1)).await;
    let turn = tokio::spawn(async move {
        stored().await;
        sleep(Duration::from_nanos(ready)).await;
        _ = say.send(Said::Ready).await;
        sleep(Duration::from_nanos(takes)).await;
        _ = say.send(Said::Completed).await;
    });
    let answered = timeout(Duration::from_secs(30), async {
        while let Some(said) = hear.recv().await {
            stored().await;
            if said == Said::Completed {
                break;
            }
        }
    });
    assert!(answered.await.is_err(), "the turn answered in time");
    stored().await;
    while black_box(hear.recv().await).is_some() {}
    turn.await.expect("the turn ends");
}

/// A commit is durable.
async fn stored() {
    sleep(Duration::from_micros(200)).await;
}
