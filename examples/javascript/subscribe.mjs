// Print the alerts of an eew broker, each of them verified. A simulation, not a warning service.
//
//   npm ci
//   node subscribe.mjs mqtt://127.0.0.1:1883                    every event as it stands
//   node subscribe.mjs ws://127.0.0.1:8083/mqtt 35.45,139.63    the alerts of the map cell around a place
//   … --public-key KEY    believe this key only, which you were given by another way than the broker
//
// Without --public-key the keys are those that the dispatchers' status messages name. That finds out what was damaged
// or made up by someone who may only write alerts, but it takes the broker's word for who the dispatchers are.
import { createHash, createPublicKey, verify } from 'node:crypto';
import mqtt from 'mqtt';

const words = process.argv.slice(2);
const option = words.indexOf('--public-key');
const trusted = option < 0 ? null : words.splice(option, 2)[1];
const [url, place] = words;
const [lat, lon] = place?.split(',').map(Number) ?? [];
if (!/^(mqtt|ws)s?:\/\//.test(url) || words.length > 2 || (place && !(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) || trusted === undefined) {
  console.error('usage: node subscribe.mjs URL [LAT,LON] [--public-key KEY]');
  process.exit(2);
}

const keyOf = (text) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' });
const keyIdOf = (text) => createHash('sha256').update(Buffer.from(text, 'base64url')).digest('hex').slice(0, 8);
const signers = new Map(); // key id -> { key, offsetMs }: event time = wall clock + offset, other than 0 in a replay
const ranks = new Map(); // event id -> the newest that was shown

/** The map cell around a place: one digit 0-3 a level, each a quarter of the one before (Web Mercator quadkey). */
function cellOf(lat, lon, level = 12) {
  const side = 2 ** level;
  const whole = (x) => Math.min(Math.max(Math.floor(x * side), 0), side - 1);
  const phi = (Math.min(Math.max(lat, -85.0511287798), 85.0511287798) * Math.PI) / 180;
  const column = whole(lon / 360 + 0.5);
  const row = whole(0.5 - Math.asinh(Math.tan(phi)) / (2 * Math.PI));
  return Array.from({ length: level }, (_, i) => {
    const bit = level - 1 - i;
    return ((column >> bit) & 1) + 2 * ((row >> bit) & 1);
  });
}

/** The twelve lines that are signed: unknown is empty, a zero has no sign. */
function coreOf(m) {
  const fixed = (x, n) => (x === null ? '' : (Number(x.toFixed(n)) || 0).toFixed(n));
  const time = (x) => (x === null ? '' : new Date(x).toISOString());
  return [
    'eew-core-v1', m.event_id, m.report_no, m.kind, m.status, time(m.issued_at), time(m.origin_at),
    fixed(m.lat_deg, 5), fixed(m.lon_deg, 5), fixed(m.depth_km, 3), fixed(m.magnitude, 2), time(m.expires_at),
  ].join('\n');
}

/** A line without control characters, whoever wrote the words. */
const line = (...words) => words.join(' ').replace(/\p{Cc}/gu, '?');

/** Learn keys and clock from a dispatcher's heartbeat. */
function learn(status) {
  for (const [id, text] of Object.entries(status.keys)) {
    if (trusted && (text !== trusted || id !== keyIdOf(trusted))) continue;
    signers.set(id, { key: keyOf(text), offsetMs: 1000 * (status.clock?.offset_s ?? 0) });
  }
}

/** Print an alert or event that is genuine, valid and news. */
function judge(m) {
  const signer = signers.get(m.key_id);
  if (!signer || !verify(null, Buffer.from(coreOf(m)), signer.key, Buffer.from(m.signature, 'base64url'))) {
    console.error(line('refused', m.event_id, `${m.report_no}:`, 'not signed with a trusted key'));
    return;
  }
  const nowMs = Date.now() + signer.offsetMs;
  if (Date.parse(m.expires_at) <= nowMs) return;
  // A cancel may have the number of the report that it takes back, and comes after it.
  const rank = 2 * m.report_no + (m.kind === 'cancel');
  if (rank <= (ranks.get(m.event_id) ?? 0)) return;
  ranks.set(m.event_id, rank);

  const meant = m.status === 'actual' ? [] : [m.status.toUpperCase()];
  if (m.kind === 'cancel') {
    console.log(line(...meant, 'cancelled', m.event_id, m.report_no, m.kind));
    return;
  }
  // An event has no level of its own: the loudest that anybody is told.
  const level = m.level ?? ['critical', 'active', 'passive'].find((each) => m.n_alerts_by_level[each]) ?? 'none';
  const where = m.place ?? `${m.lat_deg},${m.lon_deg}`;
  const sIn = m.s_arrival_at ? [`S in ${((Date.parse(m.s_arrival_at) - nowMs) / 1000).toFixed(1)} s`] : [];
  console.log(line(...meant, level, m.event_id, m.report_no, m.kind, `M${m.magnitude ?? '?'}`, where, ...sIn));
}

const alerts = place ? `eew/v1/alerts/cell/${cellOf(lat, lon).join('/')}` : 'eew/v1/events/+';
let isListening = false;
const client = mqtt.connect(url, { protocolVersion: 4 }); // nats-server speaks 3.1.1 only; it is enough everywhere
client.on('error', (error) => console.error(`${url}: ${error.message || error.code}`));
client.on('connect', () => {
  console.log(`connected to ${new URL(url).host}, waiting for a dispatcher's status`);
  client.subscribe('eew/v1/status/+');
});
client.on('message', (topic, payload) => {
  if (!payload.length) return; // nothing is retained there any more
  try {
    const message = JSON.parse(payload);
    if (!topic.startsWith('eew/v1/status/')) return judge(message);
    learn(message);
    // Now that it is known whom to believe and what time it is; a second time this changes nothing.
    if (isListening) return;
    isListening = true;
    client.subscribe(alerts, (error) => console.log(error ? `cannot subscribe: ${error.message}` : `listening to ${alerts}`));
  } catch (error) {
    console.error(line('unreadable message on', topic, error.message));
  }
});
