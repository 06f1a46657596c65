//! Lists: filters, pages while things are made and deleted, and lists of any length.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::server::{Answer, Client, Server};

/// The next page's path, from the `Link` header.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let url = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    assert!(url.starts_with("/api/v1/"), "{url}");
    Some(url.to_owned())
}

/// Walks all pages, doing something before each but the first; the items in the order of the walk.
fn walk(client: &Client, first: &str, mut between: impl FnMut(usize)) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = Some(first.to_owned());
    let mut page = 0;
    while let Some(current) = path {
        if page > 0 {
            between(page);
        }
        let answer = client.get(&current);
        items.extend(answer.expect(200).as_array().unwrap().iter().cloned());
        path = next(&answer);
        page += 1;
        assert!(page < 1000, "the pages never end");
    }
    items
}

#[test]
fn zones_come_in_pages_oldest_first() {
    let server = Server::start();
    let tenant = server.tenant();
    let made: Vec<_> = (0..7).map(|number| tenant.zone(&format!("zone{number}.example"))).collect();
    let ids = |items: &[Value]| items.iter().map(|item| item["uuid"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for size in [1, 2, 3, 7, 8, 1000] {
        let walked = walk(&tenant.client, &format!("/dns-zones/?page_size={size}"), |_| {});
        assert_eq!(ids(&walked), made, "page_size {size}");
    }
    assert_eq!(next(&tenant.client.get("/dns-zones/")), None);
    assert_eq!(next(&tenant.client.get("/dns-zones/?page_size=7")), None, "a full last page has no next one");
    let page = tenant.client.get("/dns-zones?page_size=2");
    let url = next(&page).unwrap();
    assert!(url.starts_with("/api/v1/dns-zones?page_size=2&cursor="), "{url}");
}

#[test]
fn the_default_page_has_100_zones() {
    let server = Server::start();
    let tenant = server.tenant();
    for number in 0..101 {
        tenant.zone(&format!("zone{number}.example"));
    }
    let first = tenant.client.get("/dns-zones/");
    assert_eq!(first.expect(200).as_array().unwrap().len(), 100);
    let second = tenant.client.get(&next(&first).unwrap());
    assert_eq!(second.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(next(&second), None);
}

#[test]
fn a_walk_shows_what_existed_throughout_exactly_once() {
    let server = Server::start();
    let tenant = server.tenant();
    let staying: Vec<_> = (0..20).map(|number| format!("stays{number}.example")).collect();
    let mut leaving = Vec::new();
    for (number, domain) in staying.iter().enumerate() {
        tenant.zone(domain);
        leaving.push(tenant.zone(&format!("leaves{number}.example")));
    }
    let walked = walk(&tenant.client, "/dns-zones/?page_size=3", |page| {
        tenant.zone(&format!("new{page}.example"));
        // Behind the walk, ahead of it, and the very zone that the cursor names.
        for index in [page - 1, 19 - (page % 20), (3 * page / 2).saturating_sub(1)] {
            if let Some(id) = leaving.get(index % 20) {
                tenant.client.delete(&format!("/dns-zones/{id}/"));
            }
        }
    });
    let seen: Vec<_> = walked.iter().map(|zone| zone["domain"].as_str().unwrap()).collect();
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "nothing twice");
    let stayed: Vec<_> = seen.iter().filter(|domain| domain.starts_with("stays")).copied().collect();
    assert_eq!(stayed, staying, "everything once, in order");
}

#[test]
fn records_are_filtered_and_paged_on_the_flat_path() {
    let server = Server::start();
    let tenant = server.tenant();
    let (com, org) = (tenant.zone("example.com"), tenant.zone("example.org"));
    let record = |zone: &str, record_type: &str, name: &str, value: &str| {
        let priority = (record_type == "MX").then_some(10);
        tenant.record(zone, json!({"record_type": record_type, "name": name, "value": value, "priority": priority}))
    };
    let com_www = record(&com, "A", "www", "192.0.2.1");
    let org_www = record(&org, "A", "www", "192.0.2.1");
    let com_mx = record(&com, "MX", "@", "mail.example.com");
    let org_mx = record(&org, "MX", "@", "mail.example.com");
    let long = record(&org, "TXT", "www.example.com", "x");
    let ids = |query: &str| -> Vec<String> {
        let list = tenant.client.get(&format!("/dns-records/{query}")).expect(200);
        list.as_array().unwrap().iter().map(|item| item["uuid"].as_str().unwrap().to_owned()).collect()
    };
    let all = [&com_www, &org_www, &com_mx, &org_mx, &long];
    let expect = |query: &str, records: &[&String]| {
        assert_eq!(ids(query).iter().collect::<Vec<_>>(), records, "{query}");
    };
    expect("", &all);
    expect("?record_type=mx", &[&com_mx, &org_mx]);
    expect(&format!("?zone={com}"), &[&com_www, &com_mx]);
    expect(&format!("?zone={}&record_type=MX", com.to_uppercase()), &[&com_mx]);
    expect(&format!("?zone={com}&name=@"), &[&com_mx]);
    expect(&format!("?zone={com}&name=WWW.example.com."), &[&com_www]);
    expect(&format!("?zone={com}&name=none"), &[]);
    expect(&format!("?zone={org}&name=www.example.com"), &[&long]);
    expect("?name=www", &[&com_www, &org_www]);
    expect("?name=@&record_type=MX", &[&com_mx, &org_mx]);
    expect("?name=www.example.com", &[&com_www, &long]);
    expect("?name=www.example.com.", &[&com_www]);
    expect("?name=example.org", &[&org_mx]);
    for first in [
        "/dns-records/?page_size=2".to_owned(),
        "/dns-records?page_size=1&record_type=A".to_owned(),
        "/dns-records/?name=www.example.com&page_size=1".to_owned(),
        format!("/dns-records/?zone={org}&page_size=1"),
        format!("/dns-zones/{org}/records/?page_size=1"),
    ] {
        let walked = walk(&tenant.client, &first, |_| {});
        let distinct: HashSet<_> = walked.iter().map(|item| item["uuid"].as_str().unwrap()).collect();
        let expected = if first.starts_with("/dns-records/?page") {
            5
        } else if first.contains('A') || first.contains("name") {
            2
        } else {
            3
        };
        assert_eq!((distinct.len(), walked.len()), (expected, expected), "{first}");
    }
    let page = tenant.client.get("/dns-records/?name=www.example.com&page_size=1");
    assert!(next(&page).unwrap().starts_with("/api/v1/dns-records/?name=www.example.com&page_size=1&cursor="));
    assert_eq!(next(&tenant.client.get(&format!("/dns-records/?zone={org}"))), None);
}

#[test]
fn a_large_zone_is_listed_whole() {
    const RECORDS: usize = 20_000;
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.large_zone("large.example", RECORDS);
    for (path, records) in [
        (format!("/dns-zones/{zone}/records/"), None),
        (format!("/dns-records/?zone={zone}"), None),
        (format!("/dns-zones/{zone}/"), Some("records")),
    ] {
        let answer = tenant.client.get(&path);
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"), "{path}");
        assert_eq!(answer.header("content-length"), None);
        let body = answer.expect(200);
        let list = records.map_or(&body, |member| &body[member]).as_array().unwrap();
        assert_eq!(list.len(), RECORDS, "{path}");
        assert_eq!(list[0]["name"], "host-0");
        assert_eq!(list[RECORDS - 1]["name"], format!("host-{}", RECORDS - 1));
    }
    let whole = tenant.client.get(&format!("/dns-zones/{zone}/")).expect(200);
    assert_eq!(whole["record_count"], RECORDS);
    let none = tenant.client.get(&format!("/dns-records/?zone={zone}&record_type=MX"));
    assert_eq!((none.body.as_slice(), none.header("content-length")), (&b"[]"[..], Some("2")));
    let first = tenant.client.get("/dns-records/");
    assert_eq!(first.expect(200).as_array().unwrap().len(), 100, "over all zones, it is paged");
}
