//! SPF and DMARC: receivers of mail have their own rules for these texts, and silently ignore texts that violate them.

use std::collections::HashSet;

use super::{Code, Search, dmarc, spf};
use crate::change::Lookup;
use crate::{Message, Name, OwnerName, Record, RecordData, message};

/// RFC 7208, section 4.6.4: more than this, and receivers give up with an error.
const MOST_LOOKUPS: usize = 10;

impl<L: Lookup> Search<'_, L> {
    pub(super) fn mail(&mut self, owner: &OwnerName, records: &[Record]) -> Result<(), L::Error> {
        let texts = texts(records);
        let policies: Vec<&String> = texts.iter().filter(|text| is_spf(text)).collect();
        if policies.len() > 1 {
            let detail = message!(
                "{owner} has {count} SPF records; receivers treat more than one as an error",
                owner,
                count = policies.len()
            );
            self.warn(Code::SpfMultiple, "value", owner, detail);
        }
        if let [policy] = policies.as_slice() {
            let needed = self.lookups(policy, &mut HashSet::from([owner.clone()]))?;
            if needed > MOST_LOOKUPS {
                let detail = message!(
                    "the SPF record at {owner} needs {needed} DNS look-ups, as far as this zone shows; receivers give up after \
                     {most}",
                    owner,
                    needed,
                    most = MOST_LOOKUPS
                );
                self.warn(Code::SpfLookups, "value", owner, detail);
            }
        }
        for text in &texts {
            let fault = if is_spf(text) { spf::fault(text) } else { unlike_spf(text) };
            if let Some(fault) = fault {
                let detail = message!(
                    "the SPF record at {owner} {fault}; receivers treat it as an error or ignore it",
                    owner,
                    fault
                );
                self.warn(Code::SpfSyntax, "value", owner, detail);
            }
        }
        self.dmarc(owner, &texts);
        if texts.iter().any(|text| is_dmarc(text)) && owner.in_zone(self.zone).labels().next() != Some(b"_dmarc") {
            let right = if owner.is_apex() { "_dmarc".to_owned() } else { format!("_dmarc.{owner}") };
            let detail = message!("{owner} has a DMARC record, which receivers look for at {right} only", owner, right);
            self.warn(Code::DmarcName, "name", owner, detail);
        }
        Ok(())
    }

    /// The records where receivers look for them.
    fn dmarc(&mut self, owner: &OwnerName, texts: &[String]) {
        if owner.in_zone(self.zone).labels().next() != Some(b"_dmarc") {
            return;
        }
        let count = texts.iter().filter(|text| is_dmarc(text)).count();
        if count > 1 {
            let detail = message!(
                "{owner} has {count} DMARC records; receivers ignore them where there is more than one",
                owner,
                count
            );
            self.warn(Code::DmarcMultiple, "value", owner, detail);
        }
        for text in texts.iter().filter(|text| text.to_ascii_lowercase().contains("dmarc1")) {
            if let Some(fault) = dmarc::fault(text) {
                let detail = message!(
                    "the DMARC record at {owner} {fault}; receivers act as if there were no policy",
                    owner,
                    fault
                );
                self.warn(Code::DmarcSyntax, "value", owner, detail);
            }
        }
    }

    /// The look-ups that a policy needs, with those of the policies of this zone that it includes. `seen` are the names on the
    /// way, so that a policy that includes itself comes to an end.
    fn lookups(&mut self, policy: &str, seen: &mut HashSet<OwnerName>) -> Result<usize, L::Error> {
        let mut needed = 0;
        for term in policy.split_ascii_whitespace().skip(1) {
            let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
            let (mechanism, argument) = match term.find([':', '=', '/']) {
                Some(at) => (&term[..at], &term[at + 1..]),
                None => (term.as_str(), ""),
            };
            if !matches!(mechanism, "include" | "a" | "mx" | "ptr" | "exists" | "redirect") {
                continue;
            }
            needed += 1;
            if needed > MOST_LOOKUPS * MOST_LOOKUPS || !matches!(mechanism, "include" | "redirect") {
                continue;
            }
            let Some(owner) = Name::parse(argument).ok().and_then(|name| OwnerName::of(&name, self.zone)) else {
                continue;
            };
            if seen.insert(owner.clone()) {
                let records = self.lookup.at(&owner)?;
                if let Some(included) = texts(&records).into_iter().find(|text| is_spf(text)) {
                    needed += self.lookups(&included, seen)?;
                }
            }
        }
        Ok(needed)
    }
}

/// The texts of TXT records, each put together from its strings (RFC 7208, section 3.3).
fn texts(records: &[Record]) -> Vec<String> {
    let of = |record: &Record| match &record.data {
        RecordData::Txt(txt) => Some(String::from_utf8_lossy(&txt.strings().collect::<Vec<_>>().concat()).into_owned()),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

/// RFC 7208, section 4.5: the version ends at a space or the end.
fn is_spf(text: &str) -> bool {
    let version = text.split(' ').next().unwrap_or_default();
    version.eq_ignore_ascii_case("v=spf1")
}

/// What is wrong with text that was meant as SPF and is not, for its first word: `v=spf1mx` or a quote before it.
fn unlike_spf(text: &str) -> Option<Message> {
    let text = text.trim_start_matches(|c: char| {
        c == '"' || c == '\'' || c.is_whitespace() || ('\u{2018}'..='\u{201f}').contains(&c)
    });
    let (version, rest) = text.split_at_checked("v=spf1".len())?;
    let meant = version.eq_ignore_ascii_case("v=spf1") && !rest.starts_with(|c: char| c.is_ascii_digit());
    meant.then(|| message!("must begin with v=spf1 and a space"))
}

/// RFC 7489, section 6.4.
fn is_dmarc(text: &str) -> bool {
    let version = text.split(';').next().unwrap_or_default();
    version.split_once('=').is_some_and(|(tag, value)| tag.trim() == "v" && value.trim() == "DMARC1")
}
