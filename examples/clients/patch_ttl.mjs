// Changes the TTL of a record, and nothing else: patch_ttl.mjs RECORD-UUID
const { API = "http://127.0.0.1:8053/api/v1", TOKEN } = process.env;

const response = await fetch(`${API}/dns-records/${process.argv[2]}/`, {
  method: "PATCH",
  headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
  body: JSON.stringify({ ttl: 1800 }),
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.text());
