//! How SQLite answers the listing and paging queries: from an index, in its order. A query that begins to sort or to scan
//! works in every other test and fails with the first large account.

#[path = "../../tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
pub(super) mod postgres;

use rusqlite::Connection;

use super::{
    accounts, answers, catalogs, claims, deleted, deployment, events, history, holds, journal, links, open, owner_mail,
    records, refusals, reserved, retention, roll_out, search, sessions, source, staging, suspension, tokens,
    update_keys, withheld, zone_delete, zone_names, zones,
};

/// Every query that may read more than one row for a tenant, the operator or a nameserver.
const QUERIES: &[(&str, &str)] = &[
    ("answer", answers::BY_KEY),
    ("limits of an account", source::QUOTA),
    ("changes of an account today", source::MADE),
    ("oldest version that an answer needs", answers::NEEDED),
    ("account by address", accounts::BY_EMAIL),
    ("accounts by address", accounts::BY_ADDRESS),
    ("zones of closed accounts", suspension::ZONES_OF_CLOSED),
    ("zone that waits", claims::WAITING),
    ("zones of others below", claims::BELOW),
    ("zones due to be displaced", claims::DUE),
    ("zones displaced long enough", claims::KEPT_LONG_ENOUGH),
    ("displacements", claims::DISPLACEMENTS),
    ("displacements that nobody knows of", claims::UNNOTICED),
    ("accounts due to be closed", suspension::DUE_TO_CLOSE),
    ("accounts whose zones move", withheld::ACCOUNTS),
    ("zones to take off", withheld::TO_TAKE_OFF),
    ("zones to put back", withheld::TO_PUT_BACK),
    ("zones of an account with a name", zones::OF_ACCOUNT_BY_NAME),
    ("events", events::OF_ALL),
    ("events of an account", events::OF_ONE),
    ("oldest events", events::OLDEST),
    ("events that owners are written to about", owner_mail::AFTER),
    ("link", links::BY_HASH),
    ("session", sessions::BY_HASH),
    ("sessions of an account", sessions::OF_ACCOUNT),
    ("tokens of an account", tokens::OF_ONE),
    ("update keys of an account", update_keys::OF_ONE),
    ("update key by name", update_keys::BY_NAME),
    ("update key by hash", update_keys::BY_HASH),
    ("refusals of an update key", refusals::OF_KEY),
    ("refusals of an update key that are too many", refusals::TOO_MANY),
    ("records of a name", source::LIVE_AT_OWNER),
    ("record of a zone", source::LIVE_BY_ID),
    ("a type at a name", source::LIVE_OF_TYPE),
    ("names below a name", source::LIVE_OWNERS_BETWEEN),
    ("records of a zone", records::OF_ZONE),
    ("records of a version", records::OF_VERSION),
    ("records of an account", records::OF_ACCOUNT),
    ("a name in all zones", records::AT_OWNER_OF_ACCOUNT),
    ("record", records::ONE),
    ("zone by row", zones::BY_ROW),
    ("zones of an account", zones::PAGE),
    ("zones of an account by name", search::ZONES_BY_NAME),
    ("records of a zone by name", search::RECORDS_BY_NAME),
    ("records of a zone from its apex on", search::RECORDS_FROM_APEX),
    ("record by row", search::RECORD_BY_ROW),
    ("zone of an account", zones::OF_ACCOUNT),
    ("zone by uuid", zones::BY_UUID),
    ("zone by name", zones::BY_NAME),
    ("zones below", zone_names::BELOW),
    ("zone with a reserved name", reserved::ONE),
    ("names on hold below", holds::BELOW),
    ("heads", zones::HEADS),
    ("deleted zones", zones::DELETED),
    ("zones of anyone", zones::OF_ANYONE),
    ("zone of anyone", zones::ONE_OF_ANYONE),
    ("records that ended", deployment::ENDED_SINCE),
    ("records that began", deployment::BEGUN_SINCE),
    ("catalog's version by serial", catalogs::VERSION_BY_SERIAL),
    ("versions of a catalog", catalogs::VERSIONS_SINCE),
    ("version by serial", deployment::VERSION_BY_SERIAL),
    ("versions of a zone", history::PAGE),
    ("version of a zone", history::BY_SERIAL),
    ("serial of a version", history::SERIAL),
    ("serial of a version that an account made", history::OWN_SERIAL),
    ("records that ended between", history::ENDED_BETWEEN),
    ("records that ended between, without to_version", history::ENDING_BETWEEN),
    ("records that began between", history::BEGUN_BETWEEN),
    ("records that lived then and now", history::LIVE_SINCE),
    ("records that lived then", history::LIVED_AT),
    ("records changed since a version", source::CHANGED_SINCE),
    ("records that are yet to begin", staging::YET_TO_BEGIN),
    ("records that end", staging::ENDING),
    ("record of an account that lives", source::LIVE_OF_ACCOUNT),
    ("deleted zones", deleted::PAGE),
    ("deleted zone", deleted::ONE),
    ("expired zones", deleted::EXPIRED),
    ("zones being forgotten", deleted::BEING_FORGOTTEN),
    ("echoes of zones", deleted::ECHOES),
    ("last version of a catalog with a zone", catalogs::LAST_OF_ZONE),
    ("zones in their order", retention::ZONES_AFTER),
    ("oldest versions", retention::OLDEST),
    ("records that ended before", retention::ENDED_BEFORE),
];

/// As [`QUERIES`], where the order does not matter.
const UNORDERED: &[(&str, &str)] = &[
    ("answers that are too old", answers::TOO_OLD),
    ("members of a catalog", catalogs::MEMBERS),
    ("snapshot", deployment::LIVE),
    ("unswept zones", zone_delete::UNSWEPT),
    ("zones with an older apex", roll_out::ZONES_WITH_OLDER_APEX),
    ("zones with a newer apex", roll_out::ZONES_WITH_NEWER_APEX),
    ("moves", journal::MOVES),
];

#[test]
fn nothing_is_sorted_or_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _) = open::prepare(&folder.path().join("store.db"), &folder.path().join("secret.key")).unwrap();
    let connection = connection.sqlite().unwrap();
    for (what, sql) in QUERIES.iter().chain(UNORDERED) {
        let plan = plan(connection, sql);
        for step in &plan {
            // These indexes hold nothing but what is asked for.
            let is_allowed = ["zones_unswept", "accounts_closed", "accounts_zones_move", "displacements_unnoticed"]
                .iter()
                .any(|index| step.contains(index));
            assert!(is_allowed || !step.contains("SCAN"), "{what}: {plan:?}");
            assert!(!step.contains("TEMP B-TREE"), "{what}: {plan:?}");
        }
        assert!(!plan.is_empty(), "{what}");
    }
}

/// A search passes over whole zones: where it left the index for the rows, it would cost several times as much.
#[test]
fn searching_stays_within_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _) = open::prepare(&folder.path().join("store.db"), &folder.path().join("secret.key")).unwrap();
    let connection = connection.sqlite().unwrap();
    for sql in [search::RECORDS_BY_NAME, search::RECORDS_FROM_APEX] {
        let mut statement = connection.prepare(&format!("EXPLAIN {sql}")).unwrap();
        let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get("opcode")?, row.get("p1")?));
        let steps: Vec<(String, i64)> =
            statement.query_map(rusqlite::params_from_iter(unbound), read).unwrap().map(Result::unwrap).collect();
        // The index is the cursor that is moved to the first name; the plan itself says less than that.
        let index = steps.iter().find(|(step, _)| step.starts_with("SeekG")).unwrap().1;
        let columns: Vec<i64> = steps.iter().filter(|(step, _)| step == "Column").map(|(_, cursor)| *cursor).collect();
        assert_eq!(columns, [index; 3], "{steps:?}");
    }
}

/// SQLite prepares a statement again whenever a value is bound that its plan may depend on, which costs more than running it.
#[test]
fn no_query_is_prepared_again_for_other_values() {
    let folder = tempfile::tempdir().unwrap();
    let (connection, _) = open::prepare(&folder.path().join("store.db"), &folder.path().join("secret.key")).unwrap();
    let connection = connection.sqlite().unwrap();
    let mut again = Vec::new();
    for (what, sql) in QUERIES.iter().chain(UNORDERED) {
        let mut statement = connection.prepare(sql).unwrap();
        for value in 1..4_i64 {
            let values = vec![value; statement.parameter_count()];
            let mut rows = statement.query(rusqlite::params_from_iter(values)).unwrap();
            while rows.next().unwrap().is_some() {}
        }
        if statement.get_status(rusqlite::StatementStatus::RePrepare) > 0 {
            again.push(what);
        }
    }
    assert!(again.is_empty(), "{again:?}");
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(unbound), |row| row.get("detail")).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// The same queries on PostgreSQL: each can be prepared, and has a plan by an index, in its order. The tables are empty, so scans and
/// sorts are disabled: the planner uses one only where no index can answer the query.
#[test]
fn postgresql_scans_and_sorts_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres::empty_database();
    let address = crate::Address::parse(&url).unwrap();
    let (connection, _) = super::cluster::prepare(&address, &folder.path().join("secret.key")).unwrap();
    let super::db::Connection::Postgres(session) = &connection else { panic!("no session") };
    session
        .batch("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let mut faults = Vec::new();
    for (is_ordered, (what, sql)) in
        QUERIES.iter().map(|query| (true, query)).chain(UNORDERED.iter().map(|query| (false, query)))
    {
        match session.plan(sql) {
            Ok(plan) if plan.contains("Seq Scan") || (is_ordered && plan.contains("Sort")) => {
                faults.push(format!("{what}:\n{plan}"));
            }
            Ok(_) => {}
            Err(failure) => faults.push(format!("{what}: {failure}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
