//! A job's `schedule` of kind `cron`, as the field writes it: `expr`, `tz`, `staggerMs`.
//!
//! What the field has no words for stands beside them: `gap` and `repeated`, the policies for clocks that are
//! put forward and back, and `staggerOffsetMs`, a stagger that was worked out already.

use sametick_core::schedule::{Cron, CronError, CronPart, Gap, Repeated, stagger};
use serde_json::{Value, json};

use super::document::said;
use super::fields::Fields;

const GAPS: [(&str, Gap); 2] = [("shifted", Gap::Shifted), ("skipped", Gap::Skipped)];
const REPEATS: [(&str, Repeated); 3] =
    [("first", Repeated::First), ("last", Repeated::Last), ("both", Repeated::Both)];

/// Reads the schedule of the job of an id, by which it is staggered.
pub(crate) fn read(schedule: &Fields<'_>, id: &str) -> Result<Cron, String> {
    let fix = "write a cron expression such as \"0 9 * * *\"";
    let expr = schedule.text("expr", fix)?.ok_or_else(|| schedule.missing("expr", fix))?;
    // The field means the zone of its machine; the same file means the same times everywhere here.
    let zone =
        schedule.text("tz", "write the name of a time zone such as \"Europe/Berlin\"")?.unwrap_or("UTC");
    let mut cron = Cron::parse(expr, zone.trim()).map_err(|error| wrong(expr, &error))?;
    if let Some(gap) = schedule.word("gap", &GAPS)? {
        cron = cron.with_gap(gap);
    }
    if let Some(repeated) = schedule.word("repeated", &REPEATS)? {
        cron = cron.with_repeated(repeated);
    }
    let offset = match (millis(schedule, "staggerOffsetMs")?, millis(schedule, "staggerMs")?) {
        (Some(offset), _) => offset,
        (None, Some(window)) => stagger::offset(id, window),
        (None, None) => stagger::offset(id, Cron::usual_stagger_window_ms(expr)),
    };
    Ok(cron.with_stagger_ms(offset))
}

/// A schedule that reads back as it is, for a job that was not declared in a document.
pub(crate) fn write(cron: Cron) -> Value {
    let gap = GAPS.iter().find(|(_, known)| *known == cron.gap()).map(|known| known.0);
    let repeated = REPEATS.iter().find(|(_, known)| *known == cron.repeated()).map(|known| known.0);
    Value::Object(said(json!({
        "kind": "cron",
        "expr": cron.to_string(),
        "tz": cron.zone().name(),
        "staggerOffsetMs": cron.stagger_ms(),
        "gap": gap,
        "repeated": repeated,
    })))
}

fn wrong(expr: &str, error: &CronError) -> String {
    match error.part {
        CronPart::Zone => format!("schedule.tz: {error}"),
        CronPart::Expression
        | CronPart::Second
        | CronPart::Minute
        | CronPart::Hour
        | CronPart::DayOfMonth
        | CronPart::Month
        | CronPart::DayOfWeek => format!("schedule.expr {expr:?}: {error}"),
    }
}

/// A number of milliseconds. The field takes texts of digits too, rounds down, and takes less than zero as zero.
fn millis(schedule: &Fields<'_>, field: &str) -> Result<Option<u64>, String> {
    let Some(value) = schedule.value(field) else { return Ok(None) };
    let number =
        value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite());
    let number = number.ok_or_else(|| schedule.wrong(field, value, "write a number of milliseconds"))?;
    Ok(Some(value.as_u64().unwrap_or(number.max(0.0) as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(document: Value) -> Result<Cron, String> {
        let job = json!({ "schedule": document });
        let job = Fields::of_job(job.as_object().expect("an object"));
        read(&job.inside("schedule").expect("a schedule"), "nightly")
    }

    fn why(document: Value) -> String {
        schedule(document).expect_err("a mistake")
    }

    #[test]
    fn the_fields_schedule_reads() {
        let nightly = schedule(json!({ "expr": "30 2 * * *", "tz": "Europe/Berlin" }));
        assert_eq!(nightly, Cron::parse("30 2 * * *", "Europe/Berlin").map_err(|error| error.to_string()));
        let without_zone = schedule(json!({ "expr": "30 2 * * *" })).expect("a schedule");
        assert_eq!(without_zone.zone().name(), "UTC");
    }

    #[test]
    fn only_the_top_of_many_hours_is_staggered_unless_the_document_says_so() {
        let stagger = |document| schedule(document).expect("a schedule").stagger_ms();
        let usual = stagger::offset("nightly", 300_000);
        assert_ne!(usual, 0);
        assert_eq!(stagger(json!({ "expr": "0 * * * *" })), usual);
        assert_eq!(stagger(json!({ "expr": "0 * * * *", "staggerMs": 0 })), 0);
        assert_eq!(stagger(json!({ "expr": "0 9 * * *" })), 0);
        let window = stagger(json!({ "expr": "0 9 * * *", "staggerMs": "30000" }));
        assert_eq!(window, stagger::offset("nightly", 30_000));
    }

    #[test]
    fn a_mistake_names_its_field() {
        let zone = why(json!({ "expr": "0 9 * * *", "tz": "Europe/Berln" }));
        assert_eq!(zone, "schedule.tz: there is no time zone \"Europe/Berln\"; did you mean Europe/Berlin?");
        let expr = why(json!({ "expr": "0 25 * * *" }));
        assert_eq!(
            expr,
            "schedule.expr \"0 25 * * *\": hour: 25 is out of range; write a number from 0 to 23"
        );
        assert!(why(json!({})).starts_with("schedule.expr is missing; write"));
        let gap = why(json!({ "expr": "@daily", "gap": "later" }));
        assert_eq!(gap, "schedule.gap is \"later\"; write one of \"shifted\", \"skipped\"");
        assert!(why(json!({ "expr": "@daily", "staggerMs": [] })).starts_with("schedule.staggerMs"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let odd = json!({ "expr": "*/10 0 2 L * +5", "tz": "Asia/Kathmandu", "staggerMs": 60_000,
            "gap": "skipped", "repeated": "last" });
        let cron = schedule(odd).expect("a schedule");
        assert_eq!(schedule(write(cron)), Ok(cron));
    }
}
