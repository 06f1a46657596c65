//! Translates statements for PostgreSQL: parameters are `$1`, there is no `INDEXED BY`, and a `CROSS JOIN` has no condition. (With
//! `CROSS JOIN`, SQLite reads tables in the order in which they stand in the statement.)
//!
//! PostgreSQL plans for a zone of average size. If two indexes begin with the zone, it may choose the wrong one, and read a large
//! zone completely. So indexes that only the statements that name them should use are over `(zone + 0)`; these statements compare
//! `zone + 0`.

/// The indexes over `(zone + 0)`.
const FENCED: [&str; 4] = ["records_from", "records_to", "records_of_zone", "records_ending"];

/// Translates a statement that is written for SQLite.
pub(super) fn for_postgres(sql: &str) -> String {
    let mut translated = String::with_capacity(sql.len() + 8);
    let mut rest = sql;
    let mut is_fenced = false;
    while let Some(at) = rest.find(['?', 'C', 'I', 'z']) {
        let (before, from) = rest.split_at(at);
        translated.push_str(before);
        if let Some(after) = from.strip_prefix("INDEXED BY ") {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
            is_fenced = FENCED.contains(&&after[..end]);
            rest = &after[end..];
        } else if let Some(after) = from.strip_prefix("zone = ?").filter(|_| is_fenced) {
            translated.push_str("zone + 0 = $");
            is_fenced = false;
            rest = after;
        } else if let Some(after) = from.strip_prefix("CROSS JOIN ") {
            translated.push_str("JOIN ");
            rest = after;
        } else {
            translated.push_str(if from.starts_with('?') { "$" } else { &from[..1] });
            rest = &from[1..];
        }
    }
    translated.push_str(rest);
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_indexes_are_translated() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            (
                "SELECT a FROM t INDEXED BY t_by_a WHERE a = ?1 AND b IS NOT ?12",
                "SELECT a FROM t  WHERE a = $1 AND b IS NOT $12",
            ),
            ("SELECT a FROM t INDEXED BY t_by_a", "SELECT a FROM t "),
            ("SELECT a FROM t CROSS JOIN u ON t.a = u.a", "SELECT a FROM t JOIN u ON t.a = u.a"),
            ("DELETE FROM t WHERE i IN (SELECT i FROM t INDEXED BY x)", "DELETE FROM t WHERE i IN (SELECT i FROM t )"),
            (
                "SELECT a FROM records r INDEXED BY records_to WHERE r.zone = ?1 AND r.to_version < ?2 AND r.zone = ?1",
                "SELECT a FROM records r  WHERE r.zone + 0 = $1 AND r.to_version < $2 AND r.zone = $1",
            ),
        ] {
            assert_eq!(for_postgres(sql), expected);
        }
    }
}
