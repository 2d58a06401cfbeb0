//! How things look: colour on a terminal only, tables that fit it, numbers with separators.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

/// How wide a table with sentences is where neither a terminal nor `COLUMNS` says so.
const PAPER: u16 = 100;
/// Narrower than this nothing is legible.
const NARROWEST: u16 = 40;

/// Where output goes: colours are taken out where nobody sees them.
pub(crate) fn out() -> anstream::AutoStream<std::io::Stdout> {
    anstream::AutoStream::auto(std::io::stdout())
}

/// Whether errors may be coloured.
pub(crate) fn errors_in_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Says what a user has to change.
pub(crate) fn complain(message: &str) {
    // When even stderr is gone there is nobody left to tell.
    let _ = writeln!(anstream::AutoStream::auto(std::io::stderr()), "{message}");
}

/// A line about work under way, written over by the next; on a terminal only.
pub(crate) fn progress(text: &str) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        // A line that wraps is not wiped as a whole.
        let most = textwrap::termwidth().saturating_sub(1);
        let text: String = text.chars().take(most).collect();
        let _ = write!(err, "\r\x1b[2K{text}");
        let _ = err.flush();
    }
}

/// `text` behind `label`, broken between words where a terminal is too narrow for it; a program gets
/// one line.
pub(crate) fn paragraph(label: &str, text: &str) -> String {
    if !std::io::stdout().is_terminal() {
        return format!("{label}{text}");
    }
    let hanging = " ".repeat(textwrap::core::display_width(label).min(24));
    let options = textwrap::Options::with_termwidth().initial_indent(label).subsequent_indent(&hanging);
    textwrap::fill(text, options)
}

/// `text` in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Whether the worlds of a scenario hold.
pub(crate) fn worlds_hold(holds: bool, failed: u64, worlds: u64) -> String {
    if holds {
        styled(GOOD, "holds")
    } else {
        styled(BAD, &format!("broken in {} of {}", grouped(failed), grouped(worlds)))
    }
}

/// Whether all scenarios hold.
pub(crate) fn all_hold(broken: usize, scenarios: usize) -> String {
    if broken == 0 {
        styled(GOOD, "everything holds")
    } else {
        styled(BAD, &format!("{broken} of {scenarios} scenarios broken"))
    }
}

/// What should have held, and what was found instead.
pub(crate) fn held_and_found(sentence: &str, message: &str) -> String {
    let (held, found) =
        (paragraph("    it holds that: ", sentence), paragraph("    but:           ", message));
    format!("{held}\n{found}")
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A table without lines that fits the terminal; columns from `numbers` on are aligned right.
pub(crate) fn table(headings: &[&str], numbers: std::ops::Range<usize>, rows: Vec<Vec<String>>) -> String {
    arranged(Table::new(), headings, numbers, rows)
}

/// How wide output with sentences in it is: as the terminal, or as `COLUMNS` says, or as paper.
pub(crate) fn width() -> u16 {
    if std::io::stdout().is_terminal() {
        return u16::try_from(textwrap::termwidth()).unwrap_or(PAPER).max(NARROWEST);
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns >= NARROWEST).unwrap_or(PAPER)
}

/// A table with sentences in it: they are broken also where nobody says how wide the paper is.
pub(crate) fn wide_table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.set_width(width());
    arranged(table, headings, 0..0, rows)
}

/// `text` behind `label`, broken between words at the width of the output.
pub(crate) fn hanging(label: &str, text: &str) -> String {
    let indent = " ".repeat(textwrap::core::display_width(label));
    let options = textwrap::Options::new(width().into()).initial_indent(label).subsequent_indent(&indent);
    textwrap::fill(text, options)
}

fn arranged(
    mut table: Table,
    headings: &[&str],
    numbers: std::ops::Range<usize>,
    rows: Vec<Vec<String>>,
) -> String {
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().map(|heading| styled(QUIET, heading)));
    for row in rows {
        table.add_row(row);
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
