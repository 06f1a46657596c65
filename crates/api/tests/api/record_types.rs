//! The list of record types, and that it is true: what it gives as examples is accepted.

use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn it_takes_a_good_token_and_no_parameters() {
    let server = Server::start();
    let tenant = server.tenant();
    server.client(None).get("/record-types/").refused(401, "authentication_failed", None);
    tenant.client.get("/record-types/?type=A").refused(400, "validation_error", Some("type"));
    tenant.with(&[]).get("/record-types").expect(200);
}

#[test]
fn every_example_is_a_record() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let records = format!("/dns-zones/{zone}/records/");
    let types = tenant.client.get("/record-types/").expect(200);
    let types = types.as_array().unwrap();
    assert_eq!(types.len(), dns::RecordType::EDITABLE.len());
    assert!(types.is_sorted_by_key(|listed| listed["number"].as_u64()));
    for listed in types {
        let record_type = listed["record_type"].as_str().unwrap();
        let name = format!("{}.types", record_type.to_lowercase());
        if record_type == "DS" {
            tenant
                .client
                .post(&records, &json!({"record_type": "NS", "name": name, "value": "ns.example.net"}))
                .expect(201);
        }
        let mut record = json!({"record_type": record_type, "name": name, "value": listed["example"]["value"]});
        let refused = |record: &Value, field: &str| {
            tenant.client.post(&records, record).refused(400, "validation_error", Some(field));
        };
        if listed["has_priority"] == true {
            refused(&record, "priority");
            record["priority"] = listed["example"]["priority"].clone();
        } else {
            let mut with_priority = record.clone();
            with_priority["priority"] = json!(1);
            refused(&with_priority, "priority");
            assert_eq!(listed["example"]["priority"], Value::Null, "{record_type}");
        }
        let made = tenant.client.post(&records, &record).expect(201);
        for member in ["record_type", "name", "value"] {
            assert_eq!(made[member], record[member], "{record_type} {member}");
        }
        // What was read may be sent back, and changes nothing.
        let path = format!("/dns-records/{}/", made["uuid"].as_str().unwrap());
        let read = tenant.client.get(&path).expect(200);
        assert_eq!(tenant.client.send("PUT", &path, Some(&read.to_string())).expect(200), read, "{record_type}");
        // By number it is the same type.
        record["record_type"] = format!("TYPE{}", listed["number"]).into();
        refused(&record, "value");
    }
    let unknown = json!({"record_type": "type65280", "name": "any", "value": "\\# 3 0a0b 0C"});
    let made = tenant.client.post(&records, &unknown).expect(201);
    assert_eq!((made["record_type"].as_str(), made["value"].as_str()), (Some("TYPE65280"), Some("\\# 3 0A0B0C")));
    for (record_type, reason) in [("RRSIG", "signs the zone"), ("TYPE255", "never of a zone"), ("WKS", "not supported")]
    {
        let record = json!({"record_type": record_type, "name": "any", "value": "x"});
        let (code, field, detail) = tenant.client.post(&records, &record).error(400);
        assert_eq!((code.as_str(), field.as_deref()), ("validation_error", Some("record_type")), "{record_type}");
        assert!(detail.contains(reason), "{record_type}: {detail}");
    }
}
