//! Where the books of two worlds part, in words: the first row that they do not share, and its field.

use sametick_core::commit::{JobRow, LateNote, LedgerRow};
use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::session::SessionRow;

use crate::books::Books;
use crate::fields::{self, Record};
use crate::label::Labels;
use crate::story::told_effect;

/// What is said of two worlds that part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The run that it is about, if it is about one.
    pub(crate) run: Option<RunId>,
    /// How. What comes after the first colon names somebody; what comes before says what kind of difference it is.
    pub(crate) told: String,
}

impl Difference {
    /// One that is about no run.
    pub(crate) fn of_all(told: &str) -> Self {
        Self { run: None, told: told.to_owned() }
    }

    /// The same, with words before it.
    pub(crate) fn after(self, words: &str) -> Self {
        Self { told: format!("{words}{}", self.told), ..self }
    }
}

/// The rows of books that laws compare, each kind in an order of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Run records by run, in whatever order they were first written, each with how many terminal events there are, and
    /// without what the books reckon beside them.
    pub(crate) runs: Vec<(RunRow, u32)>,
    pub(crate) sessions: Vec<SessionRow>,
    pub(crate) jobs: Vec<JobRow>,
    pub(crate) events: Vec<LifecycleEvent>,
    /// What did not run, by job and time.
    pub(crate) ledger: Vec<LedgerRow>,
    pub(crate) late: Vec<LateNote>,
}

impl Tables {
    /// Those of a world's store.
    pub(crate) fn of(books: &Books) -> Self {
        let mut sessions: Vec<SessionRow> = books.sessions.values().copied().collect();
        sessions.sort_unstable_by_key(|row| (row.key, row.run));
        Self {
            runs: runs(books),
            sessions,
            jobs: books.jobs.iter().flatten().map(|(_, row)| *row).collect(),
            events: books.events.clone(),
            ledger: ledger(books),
            late: books.late.clone(),
        }
    }

    /// The first row that others do not share.
    pub(crate) fn first_difference(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        self.runs(other, labels)
            .or_else(|| self.sessions(other, labels))
            .or_else(|| self.jobs(other, labels))
            .or_else(|| self.events(other, labels))
            .or_else(|| self.ledger(other, labels))
            .or_else(|| self.late(other, labels))
    }

    fn runs(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |(row, _): &(RunRow, u32)| (Some(row.id), fields::run(row, labels));
        parting("run records", [&self.runs, &other.runs], |(row, _)| row.id, shown)
    }

    fn sessions(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |row: &SessionRow| (row.run, fields::session(row, labels));
        let key = |row: &SessionRow| (row.key, row.run);
        parting("session rows", [&self.sessions, &other.sessions], key, shown)
    }

    fn jobs(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |row: &JobRow| (None, fields::job(row, labels));
        parting("job states", [&self.jobs, &other.jobs], |row| row.id, shown)
    }

    fn events(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |event: &LifecycleEvent| (Some(event.run), fields::event(event, labels));
        in_order("events", [&self.events, &other.events], shown)
    }

    fn ledger(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |row: &LedgerRow| (None, fields::ledger(row, labels));
        let key = |row: &LedgerRow| (row.job, row.generation, row.first);
        parting("skipped occurrences", [&self.ledger, &other.ledger], key, shown)
    }

    fn late(&self, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        let shown = |note: &LateNote| (Some(note.run), fields::late(note, labels));
        in_order("late notes", [&self.late, &other.late], shown)
    }
}

/// Run records by run.
pub(crate) fn runs(books: &Books) -> Vec<(RunRow, u32)> {
    let mut runs: Vec<(RunRow, u32)> = books.runs.values().map(|book| (book.row, book.ends)).collect();
    runs.sort_unstable_by_key(|(row, _)| row.id);
    runs
}

/// What did not run, by job and time.
pub(crate) fn ledger(books: &Books) -> Vec<LedgerRow> {
    let mut rows = books.ledger.clone();
    rows.sort_by_key(|row| (row.job, row.generation, row.first));
    rows
}

/// The first effect that is another one.
pub(crate) fn of_effects<'e>(
    one: impl Iterator<Item = &'e Effect>,
    two: impl Iterator<Item = &'e Effect>,
    labels: &Labels<'_>,
) -> Difference {
    let (one, two): (Vec<&Effect>, Vec<&Effect>) = (one.collect(), two.collect());
    let place = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    let told = |effect: &Effect| {
        let words = told_effect(effect, labels).unwrap_or_else(|| "-> ask for the lease again".to_owned());
        format!("\"{}\"", words.trim_start_matches("-> "))
    };
    let how = match (one.get(place), two.get(place)) {
        (Some(one), Some(two)) => format!(": {} and not {}", told(two), told(one)),
        (Some(one), None) => format!(": {} is not among them", told(one)),
        (None, Some(two)) => format!(": {} is one more", told(two)),
        (None, None) => String::new(),
    };
    let run = one.get(place).or_else(|| two.get(place)).and_then(|effect| run_of(effect));
    Difference { run, told: format!("effects{how}") }
}

const fn run_of(effect: &Effect) -> Option<RunId> {
    match effect {
        Effect::Start { run } | Effect::Abort { run } | Effect::Deliver { run, .. } => Some(*run),
        Effect::Publish { event, .. } => Some(event.run),
        Effect::Reply { .. } | Effect::StoreAgain { .. } | Effect::Renew { .. } | Effect::StepDown => None,
    }
}

type Shown = (Option<RunId>, Record);

/// The first row that two lists, each in the order of its keys, do not share.
fn parting<T: PartialEq, K: Ord>(
    table: &str,
    [one, two]: [&[T]; 2],
    key: impl Fn(&T) -> K,
    shown: impl Fn(&T) -> Shown,
) -> Option<Difference> {
    let place = one.iter().zip(two).take_while(|(one, two)| one == two).count();
    let (ours, theirs) = match (one.get(place), two.get(place)) {
        (None, None) => return None,
        (Some(one), Some(two)) if key(one) < key(two) => (Some(one), None),
        (Some(one), Some(two)) if key(one) > key(two) => (None, Some(two)),
        both => both,
    };
    Some(told(table, ours.map(&shown), theirs.map(&shown)))
}

/// The first row that two lists do not share, where their order is what happened.
fn in_order<T: PartialEq>(table: &str, lists: [&[T]; 2], shown: impl Fn(&T) -> Shown) -> Option<Difference> {
    parting(table, lists, |_| (), shown)
}

fn told(table: &str, one: Option<Shown>, two: Option<Shown>) -> Difference {
    let run = one.as_ref().or(two.as_ref()).and_then(|(run, _)| *run);
    let how = match (one, two) {
        (Some((_, one)), Some((_, two))) => {
            let fields = one.names().iter().zip(one.values.iter().zip(&two.values));
            let first = fields.into_iter().find(|(_, (one, two))| one != two);
            let nothing =
                |value: &String| if value.is_empty() { "nothing".to_owned() } else { value.clone() };
            first.map_or_else(
                || format!("that of {} is another one", one.of),
                |(name, (ours, theirs))| {
                    format!(
                        "that of {} has {} as \"{name}\", and not {}",
                        one.of,
                        nothing(theirs),
                        nothing(ours)
                    )
                },
            )
        }
        (Some((_, one)), None) => format!("that of {} is not among them", one.of),
        (None, Some((_, two))) => format!("that of {} is one more", two.of),
        (None, None) => String::new(),
    };
    Difference { run, told: format!("{table}: {how}") }
}

#[cfg(test)]
mod tests {
    use sametick_core::Gateway;
    use sametick_core::effect::Accepted;
    use sametick_core::run::Shape;

    use super::*;
    use crate::scenario::Scenario;
    use crate::world::World;

    /// What a change of a world's books is told as.
    fn told(change: impl FnOnce(&mut Tables)) -> Option<Difference> {
        let text = "# Once.\n[[job]]\nname = \"a\"\nat = \"1s\"\n[[turn]]\nof = \"a\"\ntakes = \"2s\"\n";
        let scenario = Scenario::parse("plan.toml", text).expect("a scenario");
        let mut world = World::new(&scenario, Gateway::new(scenario.config.clone(), Shape::Emit));
        world.run(0);
        let one = Tables::of(world.books());
        let mut two = one.clone();
        change(&mut two);
        one.first_difference(&two, &world.labels())
    }

    #[test]
    fn names_the_row_and_the_field() {
        assert_eq!(told(|_| ()), None);
        let later = told(|two| two.runs[0].0.settled_at = None).expect("a difference");
        assert!(later.run.is_some());
        assert_eq!(later.told, "run records: that of a#1 has nothing as \"settled at\", and not 3.005s");
        let less = told(|two| two.events.truncate(1)).expect("a difference").told;
        assert_eq!(less, "events: that of a#1 is not among them");
        let more = told(|two| two.sessions.push(SessionRow::blank(two.sessions[0].key))).expect("one").told;
        assert_eq!(more, "session rows: that of agent:main:cron:a is one more");
        let twice = told(|two| two.runs[0].1 = 2).expect("a difference").told;
        assert_eq!(twice, "run records: that of a#1 is another one", "no field shows it");
    }

    #[test]
    fn names_the_effect() {
        let text = "# Nothing.\n[[job]]\nname = \"a\"\nat = \"1s\"\n";
        let scenario = Scenario::parse("plan.toml", text).expect("a scenario");
        let world = World::new(&scenario, Gateway::new(scenario.config.clone(), Shape::Emit));
        let reply = |ticket| Effect::Reply { ticket, reply: Ok(Accepted::Done) };
        let (one, two) = ([Effect::StepDown, reply(1)], [Effect::StepDown]);
        let told = of_effects(one.iter(), two.iter(), &world.labels());
        assert_eq!(
            told,
            Difference { run: None, told: "effects: \"reply: accepted\" is not among them".into() }
        );
    }
}
