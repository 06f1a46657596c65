//! Aliases that lead back to themselves, so that resolvers find no end.

use super::{Code, Search};
use crate::change::Lookup;
use crate::{Name, OwnerName, Record, RecordData, RecordType, message};

/// A loop of more aliases than resolvers follow (BIND: 16) is not looked for: it fails for its length alone.
const MOST_ALIASES: usize = 16;

impl<L: Lookup> Search<'_, L> {
    pub(super) fn aliases(&mut self, owner: &OwnerName, records: &[Record]) -> Result<(), L::Error> {
        for record in records {
            match &record.data {
                RecordData::Cname(cname) => {
                    let Some(target) = OwnerName::of(cname.target.name(), self.zone) else { continue };
                    if let Some(names) = self.circle(owner, target)? {
                        let detail = message!(
                            "the alias (CNAME) at {owner} never ends, because it is part of a loop: {names}",
                            owner,
                            names
                        );
                        self.warn(Code::CnameLoop, "value", owner, detail);
                    }
                }
                RecordData::Generic(data) if data.record_type() == RecordType::Dname => {
                    let leads_back = Name::from_wire(data.wire())
                        .is_ok_and(|(target, _)| target.is_within(&owner.in_zone(self.zone)));
                    if leads_back {
                        let detail = message!(
                            "the DNAME record at {owner} leads to itself, so no name below it is found",
                            owner
                        );
                        self.warn(Code::CnameLoop, "value", owner, detail);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The names of the circle that an alias at `owner` leads into; `None` where it ends, or leaves the zone.
    fn circle(&mut self, owner: &OwnerName, target: OwnerName) -> Result<Option<String>, L::Error> {
        let mut way = vec![owner.clone()];
        let mut target = target;
        for _ in 0..MOST_ALIASES {
            let Some((at, next)) = self.find(&target)?.alias else { return Ok(None) };
            if way.contains(&at) {
                way.push(at);
                return Ok(Some(way.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")));
            }
            way.push(at);
            match next {
                Some(next) => target = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}
