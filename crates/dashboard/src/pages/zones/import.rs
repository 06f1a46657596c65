//! Replacing a zone's records with those of a zone file: first shown as a difference, then stored as one version.
//!
//! The form of the preview contains the file, so that the applied file is the previewed one. It is applied only if the zone is
//! still at the version of the preview. If another user changed the zone meanwhile, the new difference is shown.

use std::borrow::Cow;
use std::fmt::Write;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use dns::zonefile::{self, Content, FileFault, LeftOut, LeftOutReason, Note, OTHER_ZONE, Options};
use dns::{Message, Position, Serial, ZoneId};
use forms::{ZoneFileError, read_zone_file};
use http_server::Permit;
use store::{AccountId, Change, ChangeError, Comment, Committed, Condition, Source, Wish, Zone};

use super::difference::DifferenceTable;
use super::review::warnings;
use super::{Head, Tab, failure, path, serial_of, zone_of};
use crate::failure::Failure;
use crate::form::{Field, Form, LARGEST_FILE, Problems};
use crate::language::Language;
use crate::notice::Notice;
use crate::page::{Page, Section, go, show_with};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// The most faults of a file that are listed, and the most notes.
const FAULTS: usize = 20;

#[derive(Template)]
#[template(path = "zones/import.html")]
struct ImportPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    upload: Field,
    file: Field,
    leave_out_unknown: bool,
}

#[derive(Template)]
#[template(path = "zones/import_review.html")]
struct ReviewPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    /// The version that the difference starts from.
    serial: Serial,
    file: String,
    difference: DifferenceTable,
    changes_nothing: bool,
    leave_out_unknown: bool,
    /// How many records are added, changed and removed, where there are some.
    counts: Vec<(&'static str, String)>,
    remarks: Remarks,
    comment: Field,
}

/// What a page says of a file that can be taken.
#[derive(Template)]
#[template(path = "zones/file_remarks.html")]
pub(super) struct Remarks {
    z: &'static ZoneTexts,
    left_out: Vec<String>,
    notes: Vec<String>,
    /// What is accepted and yet unwise.
    warnings: Vec<String>,
}

impl HtmlSafe for Remarks {}

impl Remarks {
    pub(super) fn of(content: &Content, language: Language) -> Remarks {
        let z = language.zone_texts();
        Remarks {
            left_out: content.left_out.iter().map(|left_out| left_out_text(left_out, z)).collect(),
            notes: notes(&content.notes, language),
            warnings: warnings(&content.warnings, language),
            z,
        }
    }
}

/// The box that is ticked to leave out records of unknown types.
pub(super) const LEAVE_OUT_UNKNOWN: &str = "leave_out_unknown";
/// What a ticked box sends.
pub(super) const YES: &str = "yes";

/// How a file is to be read, as the form of an import says.
fn options(form: &Form) -> Options {
    Options { leave_out_unknown: form.has(LEAVE_OUT_UNKNOWN, YES), ..Options::default() }
}

/// The field in which a file is chosen, and the one into which it is pasted.
pub(super) fn fields(pasted: &str, rows: u32, z: &ZoneTexts, problems: &Problems) -> [Field; 2] {
    let file = Field::lines("zonefile", z.zone_file, rows).hint(z.zone_file_hint).value(pasted);
    [Field::file("file", z.zone_file_choose), file.problem(problems)]
}

/// The zone file of a form: the one that was chosen, or else what was pasted. Empty where there is neither.
///
/// As it comes back from the field of the preview: its lines end in LF alone. In a file that is not UTF-8, what is beyond ASCII
/// becomes `\DDD`, which means the same.
pub(super) fn file_of(form: &Form) -> String {
    let text = match form.file("file") {
        None => Cow::Borrowed(form.raw("zonefile")),
        Some(octets) => str::from_utf8(octets).map_or_else(|_| escaped(octets).into(), Cow::Borrowed),
    };
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

fn escaped(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() + octets.len() / 4);
    for octet in octets {
        if octet.is_ascii() {
            text.push(char::from(*octet));
        } else {
            // Writing to a String does not fail.
            let _ = write!(text, "\\{octet}");
        }
    }
    text
}

/// Room for a file while it is read and stored.
pub(super) fn place(who: &SignedIn, text: &str) -> Result<Permit<AccountId>, Failure> {
    who.visit.shared.files.enter(who.account.id, text.len()).map_err(|_| Failure::Storing)
}

/// What a file makes of a zone, or everything that is wrong with it.
pub(super) async fn read(
    who: &SignedIn,
    zone: &dns::ZoneName,
    id: Option<ZoneId>,
    text: &str,
    options: Options,
) -> Result<Result<Content, Problems>, Failure> {
    let mut problems = Problems::new(who.visit.language.texts().problems);
    let z = who.visit.language.zone_texts();
    if text.len() > LARGEST_FILE {
        problems.add("zonefile", z.problem_file_large);
        return Ok(Err(problems));
    }
    let octets = Bytes::copy_from_slice(text.as_bytes());
    let apex = who.zones().own_apex(id).await?;
    match read_zone_file(octets, zone, apex, options).await {
        Ok(content) => Ok(Ok(content)),
        Err(ZoneFileError::Faults(faults)) if faults.iter().any(|found| found.fault.check == OTHER_ZONE) => {
            let other = zonefile::apex_of(text.as_bytes()).map_or_else(String::new, |other| other.to_string());
            problems.add("zonefile", say(z.problem_file_other_zone, &[&other, &zone.to_string()]));
            Ok(Err(problems))
        }
        Err(ZoneFileError::Faults(faults)) => {
            add(&mut problems, faults, who.visit.language);
            Ok(Err(problems))
        }
        Err(error @ ZoneFileError::EndedEarly) => Err(Failure::server(error)),
    }
}

/// The faults of a file, each with its place.
pub(super) fn add(problems: &mut Problems, faults: Vec<FileFault>, language: Language) {
    let z = language.zone_texts();
    let count = faults.len();
    for FileFault { at, fault } in faults.into_iter().take(FAULTS) {
        problems.add("zonefile", at_place(at, &fault.detail, language));
    }
    if count > FAULTS {
        problems.add("zonefile", say(z.more_faults, &[&(count - FAULTS).to_string()]));
    }
}

pub(crate) async fn show(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    ask(&who, &zone, "", Options::default(), Problems::default())
}

fn ask(who: &SignedIn, zone: &Zone, text: &str, options: Options, problems: Problems) -> Result<Response, Failure> {
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let [upload, file] = fields(text, 16, z, &problems);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (head, leave_out_unknown) = (Head::new(zone, Tab::Import), options.leave_out_unknown);
    show_with(status, &ImportPage { head, upload, file, leave_out_unknown, z, problems, page })
}

pub(crate) async fn submit(who: SignedIn, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let text = file_of(&form);
    if text.trim().is_empty() {
        let mut problems = Problems::new(who.visit.language.texts().problems);
        problems.add("zonefile", who.visit.language.zone_texts().problem_file_missing);
        return ask(&who, &zone, "", options(&form), problems);
    }
    let _place = place(&who, &text)?;
    match form.text("do") {
        "edit" => ask(&who, &zone, &text, options(&form), Problems::default()),
        "preview" => preview(&who, &zone, &text, &form, "", Problems::default(), StatusCode::OK).await,
        "apply" => apply(&who, &zone, &text, &form).await,
        _ => Err(Failure::NoForm),
    }
}

async fn change(who: &SignedIn, zone: &Zone, content: &Content, change: Change) -> Result<Committed, ChangeError> {
    let change = Change { serial_above: content.serial, ..change };
    who.zones().through(Source::Import).change(zone.id, change).await
}

fn wish(content: &Content) -> Change {
    Change::of(Wish::Content(content.records.clone()))
}

/// Shows what the file would change, with what is wrong about the attempt to apply it, or what is wrong with the file.
async fn preview(
    who: &SignedIn,
    zone: &Zone,
    text: &str,
    form: &Form,
    comment: &str,
    problems: Problems,
    status: StatusCode,
) -> Result<Response, Failure> {
    let options = options(form);
    let content = match read(who, &zone.name, Some(zone.id), text, options).await? {
        Ok(content) => content,
        Err(problems) => return ask(who, zone, text, options, problems),
    };
    let rehearsal = Change { dry_run: true, ..wish(&content) };
    let committed = match change(who, zone, &content, rehearsal).await {
        Ok(committed) => committed,
        Err(ChangeError::Faults(faults)) => return refuse(who, zone, text, options, content.faults(faults)),
        Err(error) => return Err(failure(error)),
    };
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let comment = Field::text("comment", z.comment).hint(z.comment_hint).value(comment).longest(500);
    let shown = ReviewPage {
        head: Head::new(zone, Tab::Import),
        serial: committed.before.serial,
        file: text.to_owned(),
        counts: counts(&committed, z),
        difference: DifferenceTable::new(&committed.removed, &committed.added, z),
        changes_nothing: !committed.changed,
        remarks: Remarks::of(&content, page.language),
        leave_out_unknown: options.leave_out_unknown,
        comment: comment.problem(&problems),
        z,
        problems,
        page,
    };
    show_with(status, &shown)
}

fn refuse(
    who: &SignedIn,
    zone: &Zone,
    text: &str,
    options: Options,
    faults: Vec<FileFault>,
) -> Result<Response, Failure> {
    let mut problems = Problems::new(who.visit.language.texts().problems);
    add(&mut problems, faults, who.visit.language);
    ask(who, zone, text, options, problems)
}

fn counts(committed: &Committed, z: &ZoneTexts) -> Vec<(&'static str, String)> {
    let before: std::collections::HashSet<_> = committed.removed.iter().map(|stored| stored.record.id).collect();
    let changed = committed.added.iter().filter(|stored| before.contains(&stored.record.id)).count();
    let (added, removed) = (committed.added.len() - changed, committed.removed.len() - changed);
    let all = [("good", added, z.added), ("warn", changed, z.changed), ("bad", removed, z.removed)];
    all.into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(class, count, word)| (class, format!("{count} {word}")))
        .collect()
}

fn left_out_text(left_out: &LeftOut, z: &ZoneTexts) -> String {
    let LeftOut { reason, record_type, count, first } = left_out;
    let reason = match reason {
        LeftOutReason::Dnssec => z.left_out_dnssec,
        LeftOutReason::OutOfZone => z.left_out_out_of_zone,
        LeftOutReason::Soa => z.left_out_soa,
        LeftOutReason::OwnNameserver => z.left_out_own_nameserver,
        LeftOutReason::OwnAddress => z.left_out_own_address,
        LeftOutReason::UnsupportedType => z.left_out_unsupported_type,
        LeftOutReason::ForeignNameserver => z.left_out_foreign,
    };
    let place = say(z.left_out_line, &[&first.line.to_string()]);
    if *count == 1 {
        format!("{record_type} ({place}): {reason}")
    } else {
        format!("{count} {record_type} ({place}): {reason}")
    }
}

fn at_place(at: Position, detail: &Message, language: Language) -> String {
    let text = language.zone_texts().file_fault;
    say(text, &[&at.line.to_string(), &at.column.to_string(), &language.say(detail)])
}

fn notes(notes: &[Note], language: Language) -> Vec<String> {
    let z = language.zone_texts();
    let text = |note: &Note| at_place(note.at, &note.detail, language);
    let mut shown: Vec<String> = notes.iter().take(FAULTS).map(text).collect();
    if notes.len() > FAULTS {
        shown.push(say(z.more_faults, &[&(notes.len() - FAULTS).to_string()]));
    }
    shown
}

/// Stores what was shown.
async fn apply(who: &SignedIn, zone: &Zone, text: &str, form: &Form) -> Result<Response, Failure> {
    let (t, z) = (who.visit.language.texts(), who.visit.language.zone_texts());
    let typed = form.text("comment");
    let base = serial_of(form)?;
    let mut problems = Problems::new(t.problems);
    let comment = match Comment::parse(typed) {
        Ok(comment) => comment,
        Err(fault) => {
            problems.add("comment", who.visit.language.say(&fault.detail));
            return preview(who, zone, text, form, typed, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let options = options(form);
    let content = match read(who, &zone.name, Some(zone.id), text, options).await? {
        Ok(content) => content,
        Err(problems) => return ask(who, zone, text, options, problems),
    };
    let wanted = Change { comment, ..wish(&content) }.on(Condition::Zone(vec![base]));
    match change(who, zone, &content, wanted).await {
        Ok(committed) => {
            let notice = if committed.changed { Notice::ChangesApplied } else { Notice::NothingChanged };
            Ok(go(&path(zone.id), Some(notice), &who.visit.shared.settings))
        }
        Err(ChangeError::Condition) => {
            problems.add("", z.restore_moved);
            preview(who, zone, text, form, typed, problems, StatusCode::CONFLICT).await
        }
        Err(ChangeError::Faults(faults)) => refuse(who, zone, text, options, content.faults(faults)),
        Err(error) => Err(failure(error)),
    }
}
