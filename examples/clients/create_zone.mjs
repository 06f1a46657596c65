// Creates a zone: create_zone.mjs DOMAIN
const { API = "http://127.0.0.1:8053/api/v1", TOKEN } = process.env;

const response = await fetch(`${API}/dns-zones/`, {
  method: "POST",
  headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
  body: JSON.stringify({ domain: process.argv[2] }),
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.text());
