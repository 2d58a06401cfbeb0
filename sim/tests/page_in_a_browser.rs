//! The page of a world as a reader meets it: in a headless Chromium, which has nothing but the file.
//!
//! Where no Chromium is installed the tests say so and are skipped, unless `SAMETICK_NEEDS_CHROMIUM` is set: then they
//! fail, so that nobody takes a skipped test for one that held.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sametick_sim::page::Page;
use sametick_sim::{Scenario, Subject, machines, parting, shipped};
use serde_json::Value;

const FIRST: &str = "timeouts/after_session_start";

/// Names that distributions give it.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// Nothing but the page: no network of its own, no first steps, nothing kept.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    // In virtual time, too: the document is read when nothing is left to do in it.
    "--virtual-time-budget=10000",
    "--dump-dom",
];

/// How long a browser may take; it takes seconds.
const PATIENCE: Duration = Duration::from_secs(300);

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (390, 844);

fn browser() -> Option<&'static str> {
    let runs = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = BROWSERS.into_iter().find(|name| runs(name));
    if found.is_none() {
        let needed = std::env::var_os("SAMETICK_NEEDS_CHROMIUM").is_some_and(|value| value != "0");
        assert!(
            !needed,
            "SAMETICK_NEEDS_CHROMIUM is set, and none of {BROWSERS:?} runs here: install chromium"
        );
        // Not with a macro: those are not seen where a test passes.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: none of {BROWSERS:?} runs here; install chromium to see the page tried"
        );
    }
    found
}

/// What a reader can do and see, for scripts that stand in for one. Text counts as seen where it has a place.
const READER: &str = r##"
const press = (key, at) => (at ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const all = (what) => [...document.querySelectorAll(what)];
const one = (what) => document.querySelector(what);
const seen = (made) => Boolean(made) && made.getClientRects().length > 0 && made.innerText.trim() !== "";
const where = () => one("#where").innerText.replace(/\s+/g, " ");
const story = () => one("#story").innerText;
const record = () => one("#record").innerText;
const field = (name) => all("#record tr").filter((row) => row.cells[0].innerText === name).map((row) => [...row.cells].slice(1).map((cell) => cell.innerText))[0];
const mark = (name) => all(".mark[aria-label]").find((made) => made.getAttribute("aria-label").startsWith(name));
const answer = (given) => {
  const told = { given, errors, nodes: all("*").length, width: [innerWidth, document.documentElement.scrollWidth] };
  parent.postMessage(JSON.stringify(told).replace(/[<>&]/g, (letter) => "\\u00" + letter.charCodeAt(0).toString(16)), "*");
};
"##;

const ERRORS: &str = r#"<script>
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => errors.push(event.violatedDirective));
console.error = (...said) => errors.push(said.join(" "));
</script>"#;

/// What a page is shown in: a browser's own window does not get as narrow as a phone. Writes down what comes from there.
const FRAME: &str = r#"<!doctype html><body style="margin: 0"><script>
addEventListener("message", (event) => {
  const home = document.createElement("pre");
  home.id = "answer";
  home.textContent = event.data;
  document.body.append(home);
});
</script>"#;

struct Seen {
    given: Value,
    nodes: u64,
    width: [u64; 2],
}

/// Opens a page and has a script look at it, whose last value is the answer. Nothing went wrong in it.
fn look(page: &Page, hash: &str, size: (u32, u32), script: &str) -> Option<Seen> {
    let browser = browser()?;
    let folder = tempfile::tempdir().expect("a folder");
    let html = page.html().expect("a page").replacen("<head>", &format!("<head>{ERRORS}"), 1);
    let script = format!("<script>{{ {READER} answer((() => {{ {script} }})()); }}</script></body>");
    let file = folder.path().join("world.html");
    std::fs::write(&file, html.replacen("</body>", &script, 1)).expect("a file");
    let (wide, tall) = size;
    let within = folder.path().join("frame.html");
    let shown = format!(
        r#"<iframe src="world.html{hash}" width="{wide}" height="{tall}" style="border: 0"></iframe>"#
    );
    std::fs::write(&within, format!("{FRAME}{shown}</body>")).expect("a file");
    let (dom, log) = open(browser, folder.path(), &within, size);
    let said: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(said.is_empty(), "the console says {said:#?}");
    let answer = dom.rsplit_once(r#"<pre id="answer">"#).and_then(|(_, rest)| rest.split_once("</pre>"));
    let (answer, _) = answer.unwrap_or_else(|| panic!("no answer from the page; the log is {log}"));
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    assert_eq!(answer["errors"], serde_json::json!([]), "errors in the page");
    let number = |value: &Value| value.as_u64().expect("a number");
    Some(Seen {
        given: answer["given"].clone(),
        nodes: number(&answer["nodes"]),
        width: [number(&answer["width"][0]), number(&answer["width"][1])],
    })
}

/// What the document is in the end, and what was logged.
fn open(browser: &str, folder: &Path, file: &Path, (wide, tall): (u32, u32)) -> (String, String) {
    let mut child = Command::new(browser)
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--window-size={wide},{tall}"))
        .arg(format!("file://{}", file.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the browser that was just found");
    let (dom, log) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    // Long after every page is read: one that waits for somebody, as with a dialog, is not waited for.
    let Ok(dom) = dom.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        panic!("the browser does not come to an end with {}", file.display());
    };
    let log = log.recv_timeout(PATIENCE).unwrap_or_default();
    let _ = child.wait();
    (dom, log)
}

/// Everything that comes from a pipe, once it ends.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        sender.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    receiver
}

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

#[test]
fn the_tick_that_breaks_is_marked_and_its_sentence_is_read() {
    let script = r##"return {
        where: where(),
        sentence: seen(one("#broken .found")) && one("#broken .found").innerText,
        check: one("#broken h2").innerText,
        bands: all(".band.bad").length,
        label: one(".time.bad").getAttribute("aria-label"),
        story: story(),
        record: field("status"),
        title: one("#record h2").innerText,
        hash: location.hash,
    };"##;
    let Some(Seen { given, .. }) = look(&field_race(), "", DESK, script) else { return };
    assert_eq!(given["where"], "31s 5 of 7", "it opens where it breaks");
    let sentence = given["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("still says \"running\": whoever reads the session store"), "{sentence}");
    assert!(given["check"].as_str().expect("a check").contains("same_tick"), "{given}");
    assert_eq!(
        (given["bands"].as_u64(), given["label"].as_str()),
        (Some(1), Some("tick 5 at 31s, a check breaks"))
    );
    let story = given["story"].as_str().expect("a story");
    for part in [
        "commit 3: digest#1 timed out (timeout ended while running) · digest exhausted",
        "session s1 = timeout · digest's row = timeout · event error/timeout",
        "✗",
        "here the two worlds first part",
    ] {
        assert!(story.contains(part) || part == "✗", "{part} is missing in {story}");
    }
    assert!(given["title"].as_str().expect("a title").contains("session s1"), "{given}");
    assert_eq!(
        given["record"],
        serde_json::json!(["running", "timeout"]),
        "the row as it stands, and the core's"
    );
    assert_eq!(given["hash"], "#tick=5");
}

#[test]
fn keys_and_buttons_step_from_tick_to_tick() {
    let script = r##"
        const went = [];
        const by = (act) => { act(); went.push(where() + " " + location.hash); };
        by(() => press("Home"));
        by(() => press("ArrowRight"));
        by(() => one("#to-next").click());
        by(() => one("#to-before").click());
        by(() => press("ArrowLeft"));
        by(() => press("ArrowLeft"));
        by(() => press("End"));
        by(() => press("p"));
        by(() => one("#to-first").click());
        by(() => press("n"));
        by(() => one("#to-last").click());
        by(() => one("#broken .go").click());
        by(() => one("#to-first").click());
        by(() => one("#to-notable").click());
        const before = getComputedStyle(document.body).backgroundColor;
        press("t");
        return { went, turned: before !== getComputedStyle(document.body).backgroundColor };"##;
    let Some(Seen { given, .. }) = look(&field_race(), "#tick=3", DESK, script) else { return };
    let went: Vec<&str> =
        given["went"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let expected = [
        "1s 1 of 7 #tick=1",
        "1.0002s 2 of 7 #tick=2",
        "1.0432s 3 of 7 #tick=3",
        "1.0002s 2 of 7 #tick=2",
        "1s 1 of 7 #tick=1",
        "1s 1 of 7 #tick=1",
        "32.0432s 7 of 7 #tick=7",
        "31s 5 of 7 #tick=5",
        "1s 1 of 7 #tick=1",
        "31s 5 of 7 #tick=5",
        "32.0432s 7 of 7 #tick=7",
        "31s 5 of 7 #tick=5",
        "1s 1 of 7 #tick=1",
        "31s 5 of 7 #tick=5",
    ];
    assert_eq!(went, expected);
    assert_eq!(given["turned"], true, "t turns the page dark or light");
}

#[test]
fn a_mark_that_gets_the_focus_shows_its_record() {
    let script = r##"
        const session = mark("session session s1 at 1.0432s");
        session.focus();
        const focused = { where: where(), title: one("#record h2").innerText, status: field("status"), key: record() };
        press("ArrowDown", document.activeElement);
        const below = document.activeElement.getAttribute("aria-label");
        press("ArrowUp", document.activeElement);
        press("ArrowUp", document.activeElement);
        const above = document.activeElement.getAttribute("aria-label");
        mark("run digest#1 at 31s").dispatchEvent(new MouseEvent("mouseenter"));
        const hovered = { outcome: field("outcome"), reason: field("reason"), settled: field("settled at") };
        return { focused, below, above, hovered, inTabOrder: all(".mark[tabindex='0']").length };"##;
    let Some(Seen { given, .. }) = look(&field_race(), "#tick=1", DESK, script) else { return };
    assert_eq!(given["focused"]["where"], "1.0432s 3 of 7");
    assert!(given["focused"]["title"].as_str().expect("a title").contains("session s1"), "{given}");
    assert_eq!(given["focused"]["status"], serde_json::json!(["running"]));
    let below = given["below"].as_str().expect("a label");
    assert!(below.starts_with("events at 1.0432s"), "{below}");
    let above = given["above"].as_str().expect("a label");
    assert!(above.starts_with("session digest's row at 1.0432s: running"), "{above}");
    let hovered = &given["hovered"];
    assert_eq!(hovered["outcome"][0], "timed out");
    assert_eq!(hovered["reason"][0], "timeout ended while running");
    assert_eq!(hovered["settled"][0], "31s");
    assert_eq!(given["inTabOrder"], 1, "one mark is in the order of Tab, arrows reach the others");
}

/// A run that waits is told of in no tick between; whoever points at its bar reads its record all the same.
#[test]
fn a_run_that_waits_is_read_off_its_bar() {
    let script = r##"
        const columns = all(".time").map((made) => made.getAttribute("aria-label"));
        const place = columns.findIndex((label) => label.endsWith(" at 3s"));
        const left = all(".time")[place].getBoundingClientRect().left + 40;
        const bar = all(".bar").find((made) => {
            const { left: from, right: to } = made.getBoundingClientRect();
            return data.strands[made.dataset.strand].name === "digest#1" && from <= left && left <= to;
        });
        bar.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: left }));
        const hovered = field("state");
        one("#field").dispatchEvent(new MouseEvent("mouseleave"));
        bar.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: left }));
        const clicked = { where: where(), state: field("state"), record: record() };
        const ring = one(".mark.chosen").getAttribute("aria-label");
        press("ArrowDown", one(".mark.chosen"));
        const below = document.activeElement.getAttribute("aria-label");
        press("ArrowUp", document.activeElement);
        const back = document.activeElement.getAttribute("aria-label");
        return { hovered, clicked, ring, below, back };"##;
    let page = Page::draw(&scenario("lanes/one_limit_over_all"), core(), 0, &[]);
    let Some(Seen { given, .. }) = look(&page, "#tick=1", DESK, script) else { return };
    assert_eq!(given["hovered"][0], "queued", "{given}");
    assert_eq!(given["clicked"]["state"][0], "queued", "{given}");
    assert!(given["clicked"]["where"].as_str().expect("a place").starts_with("3s "), "{given}");
    let record = given["clicked"]["record"].as_str().expect("a record");
    assert!(record.contains("Nothing was written of it in this tick. As it stands:"), "{record}");
    assert_eq!(given["ring"], "run digest#1 at 3s: as it stands");
    assert_ne!(given["below"], given["ring"], "arrows go on from there");
    assert_eq!(given["back"], given["ring"]);
}

#[test]
fn a_phone_shows_it_without_a_sideways_scroll() {
    let script = r##"return { story: seen(one("#story")), go: seen(one("#to-next")), mark: all(".mark").length > 0, sentence: seen(one("#broken .found")) };"##;
    for page in [field_race(), large()] {
        let Some(Seen { given, width: [inner, scroll], .. }) = look(&page, "", PHONE, script) else { return };
        assert_eq!(inner, u64::from(PHONE.0), "the browser gives it the width of a phone");
        assert!(scroll <= inner, "the body is {scroll} wide in {inner}");
        for part in ["story", "go", "mark"] {
            assert_eq!(given[part], true, "{part}");
        }
    }
}

/// Thousands of ticks of two dozen jobs.
fn large() -> Page {
    let mut file = String::from("# A large world.\nuntil = \"3000s\"\n\n[lane]\nlimit = 6\n");
    for job in 0..24 {
        let every = 20 + job * 3;
        let takes = 3 + job % 9;
        file.push_str(&format!(
            "\n[[job]]\nname = \"job-{job}\"\nevery = \"{every}s\"\ntimeout = \"9s\"\n\n[[turn]]\nof = \"job-{job}\"\ntakes = \"{takes}s\"\n"
        ));
    }
    let scenario = Scenario::parse("large.toml", &file).expect("it reads");
    Page::draw(&scenario, core(), 0, &[])
}

#[test]
fn ten_thousand_events_draw_no_more_than_what_is_in_view() {
    let page = large();
    let marks: usize = page.columns.iter().map(|column| column.marks.len()).sum();
    assert!(marks > 10_000, "{marks} marks");
    let script = r##"
        const counts = [all("*").length];
        for (const key of ["End", "ArrowLeft", "Home", "ArrowRight"]) {
            press(key);
            counts.push(all("*").length);
        }
        const view = one("#view");
        view.scrollTop = view.scrollHeight;
        press("End");
        counts.push(all("*").length);
        return { counts, where: where() };"##;
    let Some(Seen { given, nodes, .. }) = look(&page, "#tick=3000", DESK, script) else { return };
    let counts: Vec<u64> =
        given["counts"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    assert_eq!(counts.len(), 6);
    assert!(counts.iter().all(|count| *count < 2_500), "{counts:?}");
    assert!(nodes < 2_500, "{nodes}");
}

#[test]
fn laws_that_part_are_told_with_both_sides() {
    let (scenario, subject) = (scenario("races/answer_in_time"), mutant("timers-rounded"));
    let partings = parting::partings(&scenario, subject, 0);
    let page = Page::draw(&scenario, subject, 0, &partings);
    let script = r##"return one("#broken").innerText;"##;
    let Some(Seen { given, .. }) = look(&page, "", DESK, script) else { return };
    let told = given.as_str().expect("text");
    for part in
        ["law of the time shift", "this world", "its twin", "1.000666667s", "commit 1: digest#1 starting"]
    {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
}

#[test]
fn a_page_of_a_law_that_breaks_opens_where_the_twins_part() {
    let (scenario, subject) = (scenario("owners/taken_over_during_a_drain"), mutant("late-resurrects"));
    let page = Page::draw(&scenario, subject, 0, &parting::partings(&scenario, subject, 0));
    let script = r##"return [where(), one("#broken .go").innerText];"##;
    let Some(Seen { given, .. }) = look(&page, "", DESK, script) else { return };
    assert_eq!(given, serde_json::json!(["13s 9 of 16", "13s"]));
}

#[test]
fn hostile_names_are_shown_as_they_are_and_do_nothing() {
    let file = "# A <b>bold</b> </script><img src=x onerror=errors.push(1)> comment.\n[[job]]\nname = \"<img src=x onerror=errors.push(1)>\"\nat = \"1s\"\n";
    let scenario = Scenario::parse("<i>.toml", file).expect("it reads");
    let page = Page::draw(&scenario, core(), 0, &[]);
    let script = r##"return { name: all(".row-name").map((row) => row.innerText), images: all("img, b b, i b").length, sentence: one("#sentence").innerText };"##;
    let Some(Seen { given, .. }) = look(&page, "", DESK, script) else { return };
    assert_eq!(given["name"][0], "<img src=x onerror=errors.push(1)>");
    assert_eq!(given["images"], 0);
    assert_eq!(given["sentence"], "A <b>bold</b> </script><img src=x onerror=errors.push(1)> comment.");
}
