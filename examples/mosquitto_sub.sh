#!/usr/bin/env bash
# Print the alerts of an eew broker, each of them verified, in a shell. A simulation, not a warning service.
#
#   apt install mosquitto-clients jq openssl      (macOS: brew install mosquitto jq openssl)
#   ./mosquitto_sub.sh mqtt://127.0.0.1:1883                    every event as it stands
#   ./mosquitto_sub.sh mqtt://127.0.0.1:1883 35.45,139.63       the alerts of the map cell around a place
#
# The keys are those that the dispatchers' status messages name. That finds out what was damaged or made up by someone
# who may only write alerts, but it takes the broker's word for who the dispatchers are.
set -euo pipefail
usage='usage: mosquitto_sub.sh mqtt://HOST[:PORT] [LAT,LON]'
address=${1:-}
[[ $address =~ ^mqtt://([A-Za-z0-9.-]+)(:([0-9]+))?/?$ ]] || { echo "$usage" >&2; exit 2; }
broker=(-h "${BASH_REMATCH[1]}" -p "${BASH_REMATCH[3]:-1883}" -V 311)
work=$(mktemp -d)
# The reader in the background ends with us.
trap 'rm -rf "$work"; kill "${reader:-}" 2>/dev/null || true' EXIT
mkdir "$work/status" "$work/rank"
# An Ed25519 public key file is these twelve bytes and the 32 of the key (RFC 8410).
key_head='\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'

alerts='eew/v1/events/+'
if [ -n "${2:-}" ]; then
  # The map cell: one digit 0-3 a level, each a quarter of the one before (Web Mercator quadkey).
  cell=$(jq -nr --arg at "$2" '
    ($at | split(",") | map(tonumber)) as [$lat, $lon]
    | ([[$lat, 85.0511287798] | min, -85.0511287798] | max | . * 3.141592653589793 / 180) as $phi
    | def whole: [[. * 4096 | floor, 0] | max, 4095] | min;
      def bits: [foreach range(12) as $i ({rest: .}; {rest: (.rest / 2 | floor), bit: (.rest % 2)}; .bit)] | reverse;
    [($lon / 360 + 0.5 | whole | bits), (0.5 - ($phi | tan | asinh) / 6.283185307179586 | whole | bits)]
    | transpose | map(.[0] + 2 * .[1] | tostring) | join("/")' 2>/dev/null) || { echo "$usage" >&2; exit 2; }
  alerts="eew/v1/alerts/cell/$cell"
fi

# One message and the statuses in; out come seven lines: event id, rank, key, signature, what is signed, whether it has
# expired, and the text to print.
# shellcheck disable=SC2016 # the dollars are jq's
judge='
  # With n decimals; unknown is empty, a zero has no sign.
  def fixed($n): if . == null then "" else
    (. * pow(10; $n) | round) as $whole | (if $whole < 0 then "-" else "" end)
    + (($whole | fabs | tostring) as $d | ("0" * ([$n + 1 - ($d | length), 0] | max) // "") + $d
      | .[:-$n] + "." + .[-$n:]) end;
  def seconds: (.[:19] + "Z" | fromdateiso8601) + (.[19:-1] | if . == "" then 0 else "0" + . | tonumber end);
  def printable: tostring | gsub("[[:cntrl:]]"; "?");
  . as $m
  | ([$statuses[] | select(.keys[$m.key_id])] | max_by(.at)) as $status
  | (now + ($status.clock.offset_s // 0)) as $now
  | if .event_id | test("^[A-Za-z0-9_-]{1,64}$") | not then error("no event id") else . end
  | .event_id, 2 * .report_no + (if .kind == "cancel" then 1 else 0 end),
    ($status.keys[$m.key_id] // "" | printable), (.signature | printable),
    (["eew-core-v1", .event_id, .report_no, .kind, .status, .issued_at, .origin_at,
      (.lat_deg | fixed(5)), (.lon_deg | fixed(5)), (.depth_km | fixed(3)), (.magnitude | fixed(2)), .expires_at]
      | map(. // "" | tostring) | join("\n") | @base64),
    (.expires_at | seconds) <= $now,
    ([if .status == "actual" then empty else .status | ascii_upcase end]
      + if .kind == "cancel" then ["cancelled", .event_id, .report_no, .kind] else
        [.level // ([("critical", "active", "passive") as $word | select($m.n_alerts_by_level[$word] > 0) | $word][0])
          // "none",
         .event_id, .report_no, .kind, "M\(.magnitude // "?")", (.place // "\(.lat_deg),\(.lon_deg)"),
         if .s_arrival_at then "S in \((.s_arrival_at | seconds) - $now | . * 10 | round / 10) s" else empty end] end
      | map(printable) | join(" "))'

is_signed() { # key, signature, core
  printf '%b' "$key_head" > "$work/key" && base64 -d <<< "$(tr '_-' '/+' <<< "$1")=" >> "$work/key" 2>/dev/null &&
    base64 -d <<< "$(tr '_-' '/+' <<< "$2")==" > "$work/signature" 2>/dev/null && base64 -d <<< "$3" > "$work/core" &&
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/core" \
      -sigfile "$work/signature" > "$work/openssl" 2>&1
}

take() { # topic, payload
  local event_id rank key signature core is_expired text name=${1##*/}
  if [[ $1 == eew/v1/status/* ]]; then
    [[ $name =~ ^[A-Za-z0-9_-]+$ ]] && jq -ce 'select(.keys | type == "object")' <<< "$2" > "$work/new" 2>/dev/null &&
      mv "$work/new" "$work/status/$name"
    return
  fi
  jq -r --slurpfile statuses <(cat "$work"/status/*) "$judge" <<< "$2" > "$work/judged" 2>/dev/null ||
    { echo "unreadable message on $1" >&2; return; }
  { read -r event_id; read -r rank; read -r key; read -r signature; read -r core; read -r is_expired; read -r text; } \
    < "$work/judged"
  is_signed "$key" "$signature" "$core" ||
    { echo "refused $event_id $((rank / 2)): not signed with a trusted key" >&2; return; }
  [ "$is_expired" = true ] && return
  # A cancel may have the number of the report that it takes back, and comes after it.
  [ "$rank" -gt "$(cat "$work/rank/$event_id" 2>/dev/null || echo 0)" ] || return
  echo "$rank" > "$work/rank/$event_id"
  echo "$text"
}

echo "connecting to $address, waiting for a dispatcher's status"
mkfifo "$work/messages"
listen() { # what mosquitto_sub is to do; hands every message to take
  # Payloads come as hexadecimal digits: a line feed in one must not begin a line that looks like another message.
  mosquitto_sub "${broker[@]}" -F '%t %x' "$@" > "$work/messages" &
  reader=$!
  while read -r topic digits; do
    # An empty one only says that nothing is retained there any more.
    [ -z "$digits" ] || take "$topic" "$(printf '%b' "$(sed 's/../\\x&/g' <<< "$digits")")" || true
  done < "$work/messages"
  wait "$reader"
}
listen -t 'eew/v1/status/+' -C 1
echo "listening to $alerts"
listen -t 'eew/v1/status/+' -t "$alerts"
