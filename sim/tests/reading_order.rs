//! The reading order of scenarios/README.md names every scenario once, in its chapter, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use sametick_sim::shipped;

const PAGE: &str = include_str!("../../scenarios/README.md");

/// Chapter by chapter, the names in backticks below its heading.
fn named() -> BTreeMap<&'static str, Vec<&'static str>> {
    let (_, list) = PAGE.split_once("whole machine:").expect("the order begins there");
    let chapters = list.split("**`").skip(1).map(|chapter| {
        let (folder, text) = chapter.split_once("/`**").expect("a heading is a folder");
        // A command has a blank in it, the name of a scenario has none.
        (folder, text.split('`').skip(1).step_by(2).filter(|name| !name.contains(' ')).collect())
    });
    chapters.collect()
}

#[test]
fn every_scenario_is_named_once_in_its_chapter() {
    let mut shipped: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, _) in shipped::FILES {
        let name = path.trim_start_matches("scenarios/").trim_end_matches(".toml");
        let (chapter, name) = name.split_once('/').expect("a scenario is in a folder");
        shipped.entry(chapter).or_default().insert(name);
    }
    let named = named();
    assert!(named.keys().eq(shipped.keys()), "chapters: {:?}", named.keys());
    for (chapter, names) in &named {
        let once: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(once.len(), names.len(), "{chapter}/ names one twice");
        let (missing, strange): (Vec<_>, Vec<_>) =
            (shipped[chapter].difference(&once).collect(), once.difference(&shipped[chapter]).collect());
        assert!(missing.is_empty(), "scenarios/README.md does not name {missing:?} of {chapter}/");
        assert!(strange.is_empty(), "scenarios/README.md names {strange:?}, which is not in {chapter}/");
    }
}

#[test]
fn the_order_in_which_they_run_is_the_order_to_read() {
    let (_, list) = PAGE.split_once("whole machine:").expect("the order begins there");
    let read: Vec<&str> =
        list.split("**`").skip(1).filter_map(|chapter| chapter.split("/`**").next()).collect();
    let mut run: Vec<&str> = shipped::FILES.iter().filter_map(|(path, _)| path.split('/').nth(1)).collect();
    run.dedup();
    assert_eq!(run, read);
}
