//! What a search left out, and why.

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// There were as many states as there may be.
    States,
    /// Something could happen at more instants than are tried.
    Values,
    /// More things happened in one instant than are tried in every order.
    Orders,
    /// Somebody wanted it to end.
    Asked,
}

impl Cut {
    const ALL: [Self; 4] = [Self::States, Self::Values, Self::Orders, Self::Asked];

    /// In words, after a number of alternatives.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::States => "there were as many states as --limit allows",
            Self::Values => "something could meet more instants than are tried for one draw",
            Self::Orders => {
                "more than four things happened in one instant, and their other orders were not tried"
            }
            Self::Asked => "it was interrupted",
        }
    }
}

/// How many alternatives were left out for each reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cuts([u64; Cut::ALL.len()]);

impl Cuts {
    pub(crate) const fn add(&mut self, why: Cut, count: u64) {
        self.0[why as usize] += count;
    }

    /// Adds what was left out elsewhere.
    pub fn add_all(&mut self, other: Self) {
        for (own, others) in self.0.iter_mut().zip(other.0) {
            *own += others;
        }
    }

    /// How many altogether.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Those there are.
    pub fn iter(&self) -> impl Iterator<Item = (Cut, u64)> {
        Cut::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}
