// Lists the zones of the account, page by page.
const { API = "http://127.0.0.1:8053/api/v1", TOKEN } = process.env;

const zones = [];
let url = `${API}/dns-zones/`;
while (url) {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${TOKEN}` } });
  if (!response.ok) throw new Error(await response.text());
  zones.push(...(await response.json()));
  const following = response.headers.get("Link")?.match(/<([^>]*)>; *rel="next"/);
  url = following && new URL(following[1], url);
}

console.log(JSON.stringify(zones, null, 2));
