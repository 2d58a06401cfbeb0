//! Where two worlds part, in words: what kind of thing differs, and the first that does.

use sametick_core::effect::Effect;
use sametick_core::id::RunId;

use crate::fields::Record;
use crate::label::Labels;
use crate::story::words_of;

/// What stands between a kind of difference and the first thing that differs; no check has it in its own words.
const MARK: &str = " – ";

/// What is said of two worlds that part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The run that it is about, if it is about one.
    pub(crate) run: Option<RunId>,
    /// What kind of difference it is: the same in a smaller plan.
    pub(crate) kind: String,
    /// The first thing that differs, with its name; nothing where none is shown.
    pub(crate) detail: String,
}

impl Difference {
    /// One of which nothing more is shown.
    pub(crate) fn of_all(kind: &str) -> Self {
        Self { run: None, kind: kind.to_owned(), detail: String::new() }
    }

    /// The same, with words before it.
    pub(crate) fn after(self, words: &str) -> Self {
        Self { kind: format!("{words}{}", self.kind), ..self }
    }

    /// All of it.
    pub(crate) fn told(&self) -> String {
        if self.detail.is_empty() { self.kind.clone() } else { format!("{}{MARK}{}", self.kind, self.detail) }
    }
}

/// What kind of difference a message tells of, without the first thing that differs.
pub(crate) fn kind_of(message: &str) -> &str {
    message.split_once(MARK).map_or(message, |(kind, _)| kind)
}

/// The first effect that is another one.
pub(crate) fn of_effects<'e>(
    one: impl Iterator<Item = &'e Effect>,
    two: impl Iterator<Item = &'e Effect>,
    labels: &Labels<'_>,
) -> Difference {
    let (one, two): (Vec<&Effect>, Vec<&Effect>) = (one.collect(), two.collect());
    let place = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    let told = |effect: &Effect| format!("\"{}\"", words_of(effect, labels));
    let detail = match (one.get(place), two.get(place)) {
        // Some of what an effect says is not in its words.
        (Some(one), Some(two)) if told(one) == told(two) => format!("{} is another one", told(one)),
        (Some(one), Some(two)) => format!("{} and not {}", told(two), told(one)),
        (Some(one), None) => format!("{} is not among them", told(one)),
        (None, Some(two)) => format!("{} is one more", told(two)),
        (None, None) => String::new(),
    };
    let run = one.get(place).or_else(|| two.get(place)).and_then(|effect| run_of(effect));
    Difference { run, kind: "effects".to_owned(), detail }
}

const fn run_of(effect: &Effect) -> Option<RunId> {
    match effect {
        Effect::Start { run } | Effect::Abort { run } | Effect::Deliver { run, .. } => Some(*run),
        Effect::Publish { event, .. } => Some(event.run),
        Effect::Reply { .. } | Effect::StoreAgain { .. } | Effect::Renew { .. } | Effect::StepDown => None,
    }
}

/// The run that a row is about, if it is about one, and the row as people read it.
type Shown = (Option<RunId>, Record);

/// The first row that two lists, each in the order of its keys, do not share.
pub(crate) fn of_rows<T: PartialEq, K: Ord>(
    kind: &str,
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
    Some(of_row(kind, ours.map(&shown), theirs.map(&shown)))
}

/// The first row that two lists do not share, where their order is what happened.
pub(crate) fn in_order<T: PartialEq>(
    kind: &str,
    lists: [&[T]; 2],
    shown: impl Fn(&T) -> Shown,
) -> Option<Difference> {
    of_rows(kind, lists, |_| (), shown)
}

fn of_row(kind: &str, one: Option<Shown>, two: Option<Shown>) -> Difference {
    let run = one.as_ref().or(two.as_ref()).and_then(|(run, _)| *run);
    let detail = match (one, two) {
        (Some((_, one)), Some((_, two))) => {
            let another = || format!("that of {} is another one", one.of);
            one.differs_from(&two).map_or_else(another, |(name, [had, has])| {
                format!("that of {} has {has} as \"{name}\", and not {had}", one.of)
            })
        }
        (Some((_, one)), None) => format!("that of {} is not among them", one.of),
        (None, Some((_, two))) => format!("that of {} is one more", two.of),
        (None, None) => String::new(),
    };
    Difference { run, kind: kind.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use sametick_core::Gateway;
    use sametick_core::effect::Accepted;
    use sametick_core::run::Shape;

    use super::*;
    use crate::scenario::Scenario;
    use crate::world::World;

    #[test]
    fn names_the_effect() {
        let text = "# Nothing.\n[[job]]\nname = \"a\"\nat = \"1s\"\n";
        let scenario = Scenario::parse("plan.toml", text).expect("a scenario");
        let world = World::new(&scenario, Gateway::new(scenario.config.clone(), Shape::Emit));
        let reply = |ticket| Effect::Reply { ticket, reply: Ok(Accepted::Done) };
        let told =
            |one: &[Effect], two: &[Effect]| of_effects(one.iter(), two.iter(), &world.labels()).told();
        let down = Effect::StepDown;
        assert_eq!(told(&[down, reply(1)], &[down]), "effects – \"reply: accepted\" is not among them");
        assert_eq!(told(&[down], &[reply(1)]), "effects – \"reply: accepted\" and not \"step down\"");
        assert_eq!(told(&[reply(1)], &[reply(2)]), "effects – \"reply: accepted\" is another one");
    }

    #[test]
    fn the_first_thing_that_differs_is_no_kind() {
        let some = Difference { run: None, kind: "other events".into(), detail: "that of a#1: x".into() };
        assert_eq!(kind_of(&some.told()), "other events");
        assert_eq!(kind_of(&Difference::of_all("a#1: it is not so").told()), "a#1: it is not so");
    }
}
