//! What a page shows, as pure data: instants, rows, strands, marks and records.
//!
//! Columns are places, not times: a nanosecond and an hour are both one column wide. the script reads it, so the names
//! here are the names there.

use serde::Serialize;

use crate::fields::Record;

/// A page about one world, and where it is broken on purpose about the core's world beside it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The scenario's name.
    pub scenario: String,
    /// Its first sentence.
    pub sentence: String,
    /// The seed, of a family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What goes wrong at certain ticks, as `--fault` takes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The release of the time-zone database, where due times depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zones: Option<&'static str>,
    /// What the wall clock shows when the world begins.
    pub begins: String,
    /// The machine, where it is not the core as it should be: its name and what is broken in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<[&'static str; 2]>,
    /// Whether everything holds.
    pub holds: bool,
    /// How many ticks the world had.
    pub ticks: u64,
    /// What broke in it.
    pub broken: Vec<Broken>,
    /// Laws that the world and a twin of it do not keep.
    pub twins: Vec<Twin>,
    /// The last column of the world; what comes after it is the core's alone.
    pub ends: usize,
    /// The first column in which the core does something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<usize>,
    /// The names of the fields of each kind of record.
    pub kinds: Vec<(&'static str, &'static [&'static str])>,
    /// The rows of the drawing, from top to bottom.
    pub rows: Vec<Row>,
    /// What runs through the rows.
    pub strands: Vec<Strand>,
    /// The instants at which something is told.
    pub columns: Vec<Column>,
}

/// A check that failed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// Its name.
    pub check: &'static str,
    /// What it holds.
    pub sentence: &'static str,
    /// What was found instead.
    pub message: String,
    /// The column.
    pub column: usize,
    /// The strand of the run that it is found of.
    pub strand: Option<usize>,
}

/// A law that the world and its twin do not keep.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Twin {
    /// The law.
    pub check: &'static str,
    /// What it holds.
    pub sentence: &'static str,
    /// What breaks it.
    pub message: String,
    /// What the world does first that its twin does not, and the other way round.
    pub sides: Vec<Side>,
}

/// What one of two worlds does where they part.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Which.
    pub who: &'static str,
    /// When, as people write it.
    pub at: String,
    /// What.
    pub text: String,
    /// The column of that instant, if the page has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// A row of the drawing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The section it belongs to.
    pub section: &'static str,
    /// Its name.
    pub name: String,
    /// Whether strands share it and therefore carry their names.
    #[serde(skip_serializing_if = "is_false")]
    pub shared: bool,
}

/// A job, a lane, a run, a session, or one of the few things there is one of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Strand {
    /// Its row.
    pub row: usize,
    /// What it is: `run`, `session`, …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How it stood when.
    pub stretches: Vec<Stretch>,
    /// How it stood in the core's world, where that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<Vec<Stretch>>,
    /// Whether that is so before this world ends.
    #[serde(skip_serializing_if = "is_false")]
    pub differs: bool,
}

/// How a strand stands from one column to another: both columns, how it looks, and the word for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch(pub usize, pub usize, pub &'static str, pub String);

/// An instant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// When, exactly.
    pub at: String,
    /// How long after the one before.
    pub gap: String,
    /// How many ticks since the one before told nothing.
    #[serde(skip_serializing_if = "is_zero")]
    pub quiet: usize,
    /// What is told: the kind of each line and its words, as `explain` prints them.
    pub lines: Vec<(&'static str, String)>,
    /// What the core's world tells at this instant, where that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<Vec<(&'static str, String)>>,
    /// What changed, was heard or left.
    pub marks: Vec<Mark>,
    /// The marks of the core's world, where they are not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_marks: Option<Vec<Mark>>,
}

/// Something that happens to one strand at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The strand.
    pub strand: usize,
    /// What it is made of: `h` something was heard, `c` a commit wrote a row, `e` an effect left.
    pub made_of: String,
    /// How it looks.
    pub look: &'static str,
    /// In a few words.
    pub label: String,
    /// What was heard of it and what left, in the words of the story.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// The rows after the commit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// What else there is to know, such as that the commit was never stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_zero(value: &usize) -> bool {
    *value == 0
}
