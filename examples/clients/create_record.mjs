// Creates an address record at the zone's own name: create_record.mjs ZONE-UUID
const { API = "http://127.0.0.1:8053/api/v1", TOKEN } = process.env;

const response = await fetch(`${API}/dns-zones/${process.argv[2]}/records/`, {
  method: "POST",
  headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
  body: JSON.stringify({ record_type: "A", name: "@", value: "192.0.2.1", ttl: 3600 }),
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.text());
