//! Somebody else's scheduler under the harness, and what the harness says when there is something to say.

#[path = "../examples/other_scheduler/scheduler.rs"]
mod scheduler;

use sametick_core::run::Shape;
use sametick_sim::Subject;
use sametick_sim::harness::{Broken, Harness};
use sametick_sim::plan::draw;
use scheduler::{MEANT, SLIPPED};

fn world_of(broken: Broken) -> sametick_sim::harness::BrokenWorld {
    match broken {
        Broken::World(world) => *world,
        Broken::Unreadable(what) | Broken::Idle(what) => panic!("a world was to break: {what}"),
    }
}

#[test]
fn a_scheduler_of_somebody_else_holds() -> Result<(), Broken> {
    let held = Harness::new(MEANT).seeds(0..600).drawn()?;
    assert!(held.worlds > 450, "{held:?}");
    assert_eq!(held.worlds + held.skipped, 600, "each seed has a world or is counted as skipped");
    Ok(())
}

#[test]
fn its_slip_is_found_and_told_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken =
        Harness::new(SLIPPED).keeping_in(folder.path()).drawn().expect_err("a slot given back twice");
    let world = world_of(broken.clone());
    assert_eq!(world.check, "slots_return");
    let told = broken.to_string();
    for part in [
        "other scheduler, with a slip breaks `slots_return`",
        "2 are held",
        "job = [",
        "noted as late",
        "cargo test -p sametick-sim its_slip_is_found_and_told_and_kept",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let kept = world.file.expect("a file");
    // What is kept is a scenario again, and breaks again.
    let again = Harness::new(SLIPPED).file(&kept).expect_err("the same again");
    assert_eq!(world_of(again).check, "slots_return");
    let seed = world.seed.expect("a seed");
    let same = Harness::new(SLIPPED).seeds(seed..seed + 1).drawn().expect_err("the same seed");
    assert_eq!(world_of(same).played, world.played);
}

#[test]
fn what_is_not_played_is_not_said_to_hold() {
    let harness = Harness::new(MEANT);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let late = file(
        "late.toml",
        "# Its host comes late.\n[host]\nlag = \"1s\"\n[[job]]\nname = \"a\"\nat = \"1s\"\n",
    );
    let told = |broken: Broken| broken.to_string();
    let idle = told(harness.file(&late).expect_err("not played"));
    assert!(idle.contains("nothing was tried") && idle.contains("late.toml"), "{idle}");
    let broken = file("broken.toml", "# No job.\n[[job]\n");
    let unread = told(harness.file(&broken).expect_err("no scenario"));
    assert!(unread.contains("broken.toml"), "{unread}");
    let missing = told(harness.file(folder.path().join("none.toml")).expect_err("no file"));
    assert!(missing.contains("could not read") && missing.contains("none.toml"), "{missing}");
}

#[test]
fn a_plan_that_breaks_says_how_and_one_that_holds_says_that_it_was_tried() {
    let core = Harness::of(Subject::Core(Shape::Emit));
    assert!((0..8).all(|seed| core.plan(&draw(seed)).expect("the core holds")));
    let slips = Harness::new(SLIPPED);
    let first = (0..100).find_map(|seed| slips.plan(&draw(seed)).err()).expect("one of them slips");
    assert!(!world_of(first).story.is_empty());
}
