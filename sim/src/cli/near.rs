//! What somebody may have meant who wrote a name that there is not.

/// The most names that are shown.
const MOST: usize = 5;

/// "Did you mean", of the names that have the written one in them, or are a few letters away from it; nothing when none is.
pub(super) fn told<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let away = |name: &'n str| {
        let letters = strsim::damerau_levenshtein(name, written);
        let is_part = written.len() > 2 && name.contains(written);
        (is_part || letters <= written.len() / 4).then_some((letters, name))
    };
    let mut near: Vec<(usize, &str)> = known.filter_map(away).collect();
    near.sort_unstable();
    let names: Vec<&str> = near.into_iter().map(|(_, name)| name).take(MOST).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn names_what_is_near() {
        let known = || ["field-race", "field-batch", "slot-lost", "session-wakes-one-lane"].into_iter();
        assert_eq!(told("field", known()).as_deref(), Some("did you mean field-race, field-batch?"));
        assert_eq!(told("slot-lots", known()).as_deref(), Some("did you mean slot-lost?"));
        assert_eq!(told("nobody", known()), None);
        assert_eq!(told("", known()), None, "who wrote nothing meant nothing");
    }
}
