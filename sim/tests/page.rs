//! The page of a world: the same for the same plan, whole in itself, and true to the story. What a reader sees of it is
//! in `page_in_a_browser.rs`.

use std::path::Path;
use std::process::{Command, Output};

use sametick_sim::page::{Page, Stretch};
use sametick_sim::story::{self, LineKind};
use sametick_sim::{Scenario, Subject, machines, shipped};
use serde_json::Value;

const FIRST: &str = "timeouts/after_session_start";

fn scenario(name: &str) -> Scenario {
    let (path, text) = shipped::find(name).first().copied().expect("a shipped scenario");
    Scenario::parse(path, text).expect("it reads")
}

fn mutant(name: &str) -> Subject {
    Subject::Mutant(machines::mutant(name).expect("a mutant"))
}

fn core() -> Subject {
    Subject::Core(Default::default())
}

fn field_race() -> Page {
    Page::draw(&scenario(FIRST), mutant("field-race"), 0, &[])
}

fn sametick(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sametick"))
        .args(args)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary that was just built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The data of a page, as its script reads it.
fn data(html: &str) -> Value {
    let (_, rest) = html.split_once(r#"<script type="application/json" id="data">"#).expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn the_same_plan_gives_the_same_page_byte_for_byte() {
    for (name, subject) in [(FIRST, mutant("field-race")), ("crashes/at_any_tick", core())] {
        let scenario = scenario(name);
        let draw = || Page::draw(&scenario, subject, 3, &[]).html().expect("a page");
        assert!(draw() == draw(), "{name}");
    }
}

#[test]
fn a_page_needs_nothing_beside_it() {
    let html = field_race().html().expect("a page");
    for reference in
        ["http:", "https:", " src=", " href=", "url(", "@import", "fetch(", "import(", "eval(", "{{"]
    {
        assert!(!html.contains(reference), "the page has {reference}");
    }
    assert!(html.contains("default-src 'none'"), "and its browser is told so");
}

#[test]
fn script_writes_text_and_never_markup() {
    let html = field_race().html().expect("a page");
    for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "new Function"] {
        assert!(!html.contains(way), "the page has {way}");
    }
}

#[test]
fn no_name_leaves_the_data() {
    let name = "<script>alert('1')\u{202e}<-- é🦀 & \" \\ ${1} {{script}}";
    let file = format!(
        "# A </script> in a comment.\n[[job]]\nname = {}\nat = \"1s\"\ntimeout = \"2s\"\n",
        toml_string(name)
    );
    let scenario = Scenario::parse("</title><script>.toml", &file).expect("it reads");
    let html = Page::draw(&scenario, core(), 0, &[]).html().expect("a page");
    assert_eq!(html.matches("<script").count(), 2, "the data and the script");
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains('\u{202e}'), "nor does it turn the direction of the source");
    let data = data(&html);
    assert_eq!(data["rows"][0]["name"], name);
    assert_eq!(data["sentence"], "A </script> in a comment.");
}

/// As TOML writes it: its escapes are JSON's.
fn toml_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

/// Of every shipped scenario: what the page tells is what the terminal tells, and what it draws is in order.
#[test]
fn every_shipped_world_is_drawn_as_it_is_told() {
    for (path, text) in shipped::FILES {
        let scenario = Scenario::parse(path, text).expect("it reads");
        let page = Page::draw(&scenario, core(), 0, &[]);
        let story = story::tell(&scenario, core(), 0);
        let told: Vec<(&str, &str)> =
            story.lines.iter().map(|line| (line.kind.name(), line.text.as_str())).collect();
        let drawn: Vec<(&str, &str)> = page
            .columns
            .iter()
            .flat_map(|column| &column.lines)
            .map(|(kind, text)| (*kind, text.as_str()))
            .collect();
        assert_eq!(told, drawn, "{path}");
        assert_in_order(&page, path);
    }
}

#[test]
fn a_world_of_a_mutant_is_told_beside_the_cores() {
    for name in ["field-race", "late-resurrects", "timers-rounded"] {
        let (scenario, subject) = (scenario(FIRST), mutant(name));
        let page = Page::draw(&scenario, subject, 0, &[]);
        assert_in_order(&page, name);
        let core = story::tell(&scenario, core(), 0);
        let told: Vec<&str> = core.lines.iter().map(|line| line.text.as_str()).collect();
        let drawn = page.columns.iter().flat_map(|column| {
            let lines = column.core.as_ref().unwrap_or(&column.lines).iter();
            lines.filter(|(kind, _)| *kind != LineKind::Broken.name()).map(|(_, text)| text.as_str())
        });
        assert_eq!(told, drawn.collect::<Vec<_>>(), "{name}");
    }
}

fn assert_in_order(page: &Page, whose: &str) {
    let count = page.columns.len();
    for strand in &page.strands {
        assert!(strand.row < page.rows.len(), "{whose}: {strand:?}");
        for stretches in [Some(&strand.stretches), strand.core.as_ref()].into_iter().flatten() {
            let in_order = |pair: &[Stretch]| pair[0].1 <= pair[1].0 && pair[0].0 < pair[1].0;
            assert!(stretches.windows(2).all(in_order), "{whose}: {strand:?}");
            let within =
                |Stretch(from, until, ..): &Stretch| from <= until && *from < count && *until <= count;
            assert!(stretches.iter().all(within), "{whose}: {strand:?}");
        }
    }
    for column in &page.columns {
        for mark in column.marks.iter().chain(column.core_marks.iter().flatten()) {
            assert!(mark.strand < page.strands.len(), "{whose}: {mark:?}");
            for record in &mark.records {
                let fields =
                    page.kinds.iter().find(|(kind, _)| *kind == record.kind).map(|(_, fields)| fields.len());
                assert_eq!(fields, Some(record.values.len()), "{whose}: {record:?}");
            }
        }
    }
}

#[test]
fn the_tick_that_breaks_is_named_with_its_sentence_and_the_core_beside_it() {
    let page = field_race();
    let [broken] = page.broken.as_slice() else { panic!("one check breaks: {:?}", page.broken) };
    assert_eq!(broken.check, "same_tick");
    assert_eq!(
        broken.sentence,
        "the commit that settles a started run as timed out makes its session terminal"
    );
    let column = &page.columns[broken.column];
    assert_eq!(column.at, "31s");
    assert_eq!(page.parts, Some(broken.column), "up to here both tell the same");
    assert_eq!(page.ends, broken.column, "the world is left there, the core goes on");
    assert!(page.columns.len() > page.ends + 1);
    let session = page.strands.iter().position(|strand| strand.name == "session s1").expect("the session");
    assert!(column.marks.iter().all(|mark| mark.strand != session), "nobody wrote the session");
    let theirs =
        column.core_marks.as_ref().and_then(|marks| marks.iter().find(|mark| mark.strand == session));
    assert_eq!(theirs.expect("the core did").records[0].values[0], "timeout");
}

/// Three hundred runs and thirty-four, in a few rows each.
#[test]
fn strands_that_share_a_row_never_meet() {
    let mut file = String::from("# Many are due at once.\n[lane]\nlimit = 40\n");
    for job in 0..300 {
        file.push_str(&format!("\n[[job]]\nname = \"job-{job}\"\nat = \"{}s\"\n", 1 + job / 10));
    }
    let many = Scenario::parse("many.toml", &file).expect("it reads");
    for (scenario, seed) in [(many, 0), (scenario("crashes/at_any_tick"), 3)] {
        let page = Page::draw(&scenario, core(), seed, &[]);
        assert!(page.rows.iter().any(|row| row.shared), "{}", scenario.name);
        for (place, row) in page.rows.iter().enumerate().filter(|(_, row)| row.shared) {
            let mut reaches: Vec<(usize, usize)> = page
                .strands
                .iter()
                .filter(|strand| strand.row == place)
                .map(|strand| (strand.stretches[0].0, strand.stretches.last().map_or(0, |stretch| stretch.1)))
                .collect();
            reaches.sort_unstable();
            let apart = |pair: &[(usize, usize)]| pair[0].1 < pair[1].0;
            assert!(reaches.windows(2).all(apart), "{}, {}: {reaches:?}", scenario.name, row.section);
        }
    }
}

#[test]
fn what_meets_in_an_instant_is_one_column_and_a_nanosecond_is_as_wide_as_an_hour() {
    let page = Page::draw(&scenario("schedules/many_at_once"), core(), 0, &[]);
    assert_eq!(page.columns[0].at, "1s");
    let runs = page.columns[0].marks.iter().filter(|mark| page.strands[mark.strand].kind == "run");
    assert_eq!(runs.count(), 6);
    let race = scenario("races/deadline_first");
    let mut pages = (0..100).map(|seed| Page::draw(&race, core(), seed, &[]));
    let is_close = |page: Page| page.columns.iter().any(|column| column.gap == "1 ns");
    assert!(pages.any(is_close), "an answer comes right after the deadline in some world");
    let far = Page::draw(&scenario("timeouts/fifty_days"), core(), 0, &[]);
    let gaps: Vec<&str> = far.columns.iter().map(|column| column.gap.as_str()).collect();
    assert!(gaps.contains(&"49d 23h"), "{gaps:?}");
}

#[test]
fn seed_faults_and_time_zones_are_said_where_they_matter() {
    let drawn = data(&Page::draw(&scenario(FIRST), core(), 7, &[]).html().expect("a page"));
    assert_eq!(drawn["seed"], 7);
    assert!(drawn.get("timeZones").is_none() && drawn.get("faults").is_none());
    let mut faulty = scenario("queues/waits_its_turn");
    faulty.faults.push("3:at:2s".parse().expect("a fault"));
    let drawn = data(&Page::draw(&faulty, core(), 0, &[]).html().expect("a page"));
    assert_eq!(drawn["faults"], serde_json::json!(["3:at:2s"]));
    assert!(drawn.get("seed").is_none(), "it is one world");
    let calendar =
        data(&Page::draw(&scenario("schedules/nightly_in_the_gap"), core(), 0, &[]).html().expect("a page"));
    assert!(calendar["timeZones"].is_string());
}

/// Why a run waits for its session shows: somebody else is at work there, as long as that lasts.
#[test]
fn turns_of_others_have_a_bar_of_their_own() {
    let drawn = data(&Page::draw(&scenario("lanes/foreign_turn"), core(), 0, &[]).html().expect("a page"));
    let strands = drawn["strands"].as_array().expect("strands");
    let named = |name: &str| strands.iter().find(|strand| strand["name"] == name).expect("a strand");
    let first = |name: &str| named(name)["stretches"][0].clone();
    let (others, run) = (first("others in main"), first("digest#1"));
    assert_eq!((&others[2], &others[3]), (&"busy".into(), &"at work".into()), "{others}");
    assert_eq!(run[3], "queued", "{run}");
    assert_eq!(others[1], run[1], "the run waits until the other turn is over: {others} {run}");
    assert_eq!(named("others in main")["stretches"][1][3], "nobody");
}

#[test]
fn a_crash_loses_what_was_never_stored_and_the_page_says_so() {
    let page = Page::draw(&scenario("crashes/before_the_settling_commit"), core(), 0, &[]);
    let lost = page.columns.iter().flat_map(|column| &column.marks).filter(|mark| mark.note.is_some());
    let lost: Vec<_> = lost.map(|mark| (page.strands[mark.strand].kind, mark.note.as_deref())).collect();
    assert!(lost.contains(&("run", Some("never stored"))), "{lost:?}");
    let gateway = page.strands.iter().find(|strand| strand.kind == "gateway").expect("the gateway");
    let looks: Vec<&str> = gateway.stretches.iter().map(|stretch| stretch.2).collect();
    assert_eq!(looks, ["up", "down", "up"]);
}

#[test]
fn html_writes_the_page_and_says_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        sametick(&["explain", FIRST, "--mutant", "field-race", "--html", "world.html"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "world.html: 6 ticks, broken: same_tick at 31s\n");
    let written = std::fs::read_to_string(folder.path().join("world.html")).expect("the page");
    assert!(written == field_race().html().expect("a page"));
    let output = sametick(&["explain", FIRST, "--html", "world.html"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    let again = std::fs::read_to_string(folder.path().join("world.html")).expect("the page");
    assert!(again != written, "a page that is there is replaced");
    assert_eq!(names_in(folder.path()), ["world.html"], "and nothing is left beside it");
}

#[test]
fn html_and_json_go_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = sametick(&["explain", FIRST, "--json", "--html", "world.html"], folder.path());
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(told["html"], "world.html");
    assert!(told["lines"].is_array() && folder.path().join("world.html").exists());
    let told = sametick(&["explain", FIRST, "--json"], folder.path());
    let told: Value = serde_json::from_slice(&told.stdout).expect("one JSON object");
    assert!(told.get("html").is_none());
    let both = sametick(&["explain", FIRST, "--json", "--html", "-"], folder.path());
    assert_eq!(both.status.code(), Some(2));
    assert!(text(&both.stderr).contains("name a file for the page"), "{}", text(&both.stderr));
}

#[test]
fn a_dash_is_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = sametick(&["explain", FIRST, "--mutant", "field-race", "--html", "-"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout) == field_race().html().expect("a page"));
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}

#[test]
fn a_page_that_cannot_be_written_is_bad_input_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("taken")).expect("a folder");
    for (file, says) in [
        ("nowhere/world.html", "could not write nowhere/world.html: its directory does not exist"),
        ("taken", "could not write taken: it is a directory; name a file in it, such as taken/world.html"),
    ] {
        let output = sametick(&["explain", FIRST, "--html", file], folder.path());
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(text(&output.stderr).contains(says), "{file}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{file}");
        assert_eq!(names_in(folder.path()), ["taken"], "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_a_device_a_device() {
    let folder = tempfile::tempdir().expect("a folder");
    let (page, link) = (folder.path().join("page.html"), folder.path().join("link.html"));
    std::fs::write(&page, "old").expect("a file");
    std::os::unix::fs::symlink("page.html", &link).expect("a link");
    let output = sametick(&["explain", FIRST, "--html", "link.html"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(link.is_symlink() && std::fs::read_to_string(&page).expect("the page").len() > 1_000);
    let output = sametick(&["explain", FIRST, "--html", "/dev/null"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!Path::new("/dev/null").is_file());
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
