//! Names of every kind: a key made of them reads back, or they are refused with what to do.

use sametick_core::id::{Names, SessionKey};
use sametick_core::name::Unfit;

fn table() -> Vec<(String, Option<(Unfit, &'static str)>)> {
    let control = |shown| Some((Unfit::Control, shown));
    let rows = [
        ("digest", None),
        ("a b", None),
        ("ü€𝄞", None),
        ("../../etc/passwd", None),
        ("run", None),
        ("%3A", None),
        ("", Some((Unfit::Empty, "is empty; give it one"))),
        ("a:b", Some((Unfit::Colon, "\"a:b\" has a colon, which parts session keys; leave it out"))),
        (":", Some((Unfit::Colon, "\":\" has a colon, which parts session keys; leave it out"))),
        ("a\n", control("\"a\\n\" has a control character; leave it out")),
        ("\0", control("\"\\0\" has a control character; leave it out")),
        ("\u{1b}[2J", control("\"\\u{1b}[2J\" has a control character; leave it out")),
        ("\u{9b}2J:", control("\"\\u{9b}2J:\" has a control character; leave it out")),
        ("\u{7f}", control("\"\\u{7f}\" has a control character; leave it out")),
    ];
    let long = ("x".repeat(100_000), None);
    rows.into_iter().map(|(name, wrong)| (name.to_owned(), wrong)).chain([long]).collect()
}

#[test]
fn a_name_is_refused_with_field_reason_and_fix_or_reads_back() {
    for (name, wrong) in table() {
        let mut names = Names::default();
        let job = names.job(&name).map(|_| ());
        let agent = names.agent(&name).map(|_| ());
        let session = names.session(&name).map(|_| ());
        for (field, said) in [("job", job), ("agent", agent), ("session", session)] {
            match (&said, wrong) {
                (Ok(()), None) => {}
                (Err(error), Some((why, message))) => {
                    assert_eq!((error.field, error.why), (field, why));
                    let text = error.to_string();
                    assert!(text.starts_with(&format!("the {field}'s name ")), "{text}");
                    assert!(text.ends_with(message), "{text} should end with: {message}");
                    assert!(!text.chars().any(char::is_control), "a terminal would obey {text:?}");
                }
                _ => panic!("{field} {name:?}: {said:?}, expected {wrong:?}"),
            }
        }
    }
}

#[test]
fn a_key_of_fit_names_reads_back_whatever_they_are() {
    for (name, _) in table().iter().filter(|(_, wrong)| wrong.is_none()) {
        let mut names = Names::default();
        let (agent, job) = (names.agent(name).expect("fit"), names.job(name).expect("fit"));
        let session = names.session(name).expect("fit");
        let keys = [
            SessionKey::Main { agent },
            SessionKey::Base { agent, job },
            SessionKey::Run { agent, job, session },
        ];
        for key in keys {
            assert_eq!(SessionKey::parse(&key.render(&names), &mut names), Ok(key));
        }
    }
}

#[test]
fn a_text_that_is_no_key_is_told_without_what_a_terminal_obeys() {
    for text in ["agent:\u{1b}[2J:main", "agent:a:cron:\u{9b}2J", "agent:a:cron:\r\n", "\u{7}"] {
        let error = SessionKey::parse(text, &mut Names::default()).expect_err("not a key");
        assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    }
}
